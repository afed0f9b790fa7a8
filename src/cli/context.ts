/** What a command is given, and how it ends. */
import type { Clock } from '../base/time.ts'
import type { ConfigSource } from '../catalog/settings.ts'

export const exitCodes = { done: 0, failed: 1, usage: 2, refused: 3 } as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** The process around the commands; tests bring their own. */
export interface CliContext {
  readonly source: ConfigSource
  readonly clock: Clock
  /** Writes to standard output, as it is. */
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Standard output is a terminal of somebody who likes colour. */
  readonly colour: boolean
  /** Standard error is a terminal, where progress may be drawn. */
  readonly terminal?: boolean
  /** A new id for each call. */
  readonly ids: () => string
  /** Runs the daemon; resolves with the exit code. */
  readonly serve: (source: ConfigSource) => Promise<number>
}

export interface FieldAtFault {
  readonly pointer: string
  readonly message: string
}

/** A command that did not do what it was asked: told on standard error, with its exit code. */
export class CliFailure extends Error {
  readonly code: string
  readonly exitCode: ExitCode
  readonly fields: readonly FieldAtFault[]
  /** What may be done about it. */
  readonly advice: string | undefined

  constructor(
    failure: { readonly code: string; readonly message: string },
    more: { readonly exitCode?: ExitCode; readonly fields?: readonly FieldAtFault[]; readonly advice?: string } = {},
  ) {
    super(failure.message)
    this.name = 'CliFailure'
    this.code = failure.code
    this.exitCode = more.exitCode ?? exitCodes.failed
    this.fields = more.fields ?? []
    this.advice = more.advice
  }
}

export function usageFailure(message: string): CliFailure {
  return new CliFailure({ code: 'usage', message }, { exitCode: exitCodes.usage })
}
