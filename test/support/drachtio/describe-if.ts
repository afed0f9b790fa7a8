import { describe } from 'vitest'

/** Tests that another kind of server cannot show are not there for it: a skipped test is a failure. */
export function describeIf(isShown: boolean) {
  return isShown ? describe : () => undefined
}
