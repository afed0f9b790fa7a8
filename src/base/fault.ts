/** What broke outside (a Fault, thrown), and what must never happen (an invariant, a bug). */

export type FaultCode =
  | 'store_unavailable'
  | 'store_timeout'
  | 'store_overloaded'
  | 'store_unfit'
  | 'archive_unavailable'
  | 'archive_unfit'
  | 'edge_unreachable'
  | 'config_invalid'
  | 'unexpected'

export class Fault extends Error {
  readonly code: FaultCode
  readonly retryable: boolean

  constructor(code: FaultCode, message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'Fault'
    this.code = code
    this.retryable = options.retryable ?? false
  }
}

/** A broken promise of our own code. Whoever runs the process logs it, drains and ends. */
export class InvariantError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'InvariantError'
  }
}

export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}
