/** The files that take longest begin first, so that none of them is left over when all others are done. */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** By how long they take on two processors, longest first; a file that is not named comes after, in the usual order. */
const LONGEST = [
  'test/faults/kills.test.ts',
  'test/faults/told.test.ts',
  'test/payments/interleavings.test.ts',
  'test/security/fuzz-http.test.ts',
  'test/app/walk.test.ts',
  'test/support/drachtio/double.test.ts',
  'test/edges/sip/early.test.ts',
  'test/edges/sip/b2bua.test.ts',
  'test/edges/sip/observe.test.ts',
]

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const usual = await super.sort(files)
    const placeOf = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.findIndex((name) => moduleId.endsWith(name))
      return place === -1 ? LONGEST.length : place
    }
    return usual.toSorted((a, b) => placeOf(a) - placeOf(b))
  }
}
