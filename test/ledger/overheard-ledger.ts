/** A ledger with an ear: what a test wants done just before or after a method is done in between. */
import type { CallLedger } from '../../src/calls/call-ledger.ts'

type Method = keyof CallLedger

export interface Ears {
  readonly before?: (method: Method, argument: unknown) => Promise<void> | void
  readonly after?: (method: Method, answer: unknown) => Promise<void> | void
}

export function overheardLedger(ledger: CallLedger, { before, after }: Ears): CallLedger {
  return new Proxy(ledger, {
    get: (target, name: Method) => {
      const method = (target[name] as (...args: unknown[]) => Promise<unknown>).bind(target)
      return async (...args: unknown[]) => {
        await before?.(name, args[0])
        const answer = await method(...args)
        await after?.(name, answer)
        return answer
      }
    },
  })
}
