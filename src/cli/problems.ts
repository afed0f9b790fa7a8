/** Errors of every origin as one form: a code, a sentence, the fields at fault, and the exit code. */
import { CommanderError } from 'commander'
import { z } from 'zod'
import { Fault } from '../base/fault.ts'
import { type ConfigProblem, formatProblem } from '../catalog/problems.ts'
import { CliFailure, type ExitCode, exitCodes } from './context.ts'
import { printable } from './text.ts'

const problemBody = z.looseObject({
  code: z.string(),
  title: z.string().optional(),
  detail: z.string().optional(),
  errors: z.array(z.looseObject({ pointer: z.string(), message: z.string() })).optional(),
  reference: z.string().optional(),
})

/** What the rules of the business refuse, whoever asks; the rest is a mistake or a mishap. */
const POLICY: ReadonlySet<string> = new Set([
  'insufficient_credit',
  'amount_below_minimum',
  'account_closed',
  'amount_not_payable',
  'minutes_unavailable',
  'minutes_used',
  'too_many_bundles',
  'card_refused',
  'payment_not_refundable',
  'refund_too_large',
  'recharge_capped',
  'recharge_paused',
  'chain_too_deep',
  'currency_mismatch',
  'currency_is_fixed',
  'root_is_fixed',
  'mail_held_back',
  'guard_rails',
])

const BAD_INPUT = 400

/** What the daemon answered when it did not do as asked. */
export function problemFailure(status: number, json: unknown): CliFailure {
  const read = problemBody.safeParse(json)
  if (!read.success) {
    return new CliFailure({ code: 'answer_unreadable', message: `the daemon answered ${status} and did not say why` })
  }
  const { code, title, detail, errors = [], reference } = read.data
  const message = `${detail ?? title ?? ''}${reference === undefined ? '' : ` (reference ${reference})`}`
  return new CliFailure({ code, message }, { exitCode: exitOf(status, code), fields: errors })
}

function exitOf(status: number, code: string): ExitCode {
  if (POLICY.has(code)) return exitCodes.refused
  return status === BAD_INPUT ? exitCodes.usage : exitCodes.failed
}

export function configFailure(problems: readonly ConfigProblem[]): CliFailure {
  const message = `the configuration is not valid:\n${problems.map((problem) => `  ${formatProblem(problem)}`).join('\n')}`
  return new CliFailure({ code: 'config_invalid', message })
}

export interface Told {
  readonly exitCode: ExitCode
  /** Nothing when commander has told it already. */
  readonly text: string
}

/** What to write to standard error. */
export function tell(error: unknown, isJson: boolean): Told {
  if (error instanceof CommanderError) {
    return { exitCode: error.exitCode === 0 ? exitCodes.done : exitCodes.usage, text: '' }
  }
  const failure = asFailure(error)
  return { exitCode: failure.exitCode, text: isJson ? failureJson(failure) : failureText(failure) }
}

function asFailure(error: unknown): CliFailure {
  if (error instanceof CliFailure) return error
  if (error instanceof Fault) return new CliFailure({ code: error.code, message: error.message })
  if (isOfTheSystem(error)) return new CliFailure({ code: error.code, message: error.message })
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return new CliFailure({ code: 'unexpected', message })
}

/** A port in use, a file that may not be read: the sentence says it all. */
function isOfTheSystem(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string'
}

function failureJson({ code, message, fields, advice }: CliFailure): string {
  const errors = fields.map(({ pointer, message: text }) => ({ pointer, message: text }))
  const body = {
    code,
    detail: message,
    ...(errors.length > 0 ? { errors } : {}),
    ...(advice === undefined ? {} : { advice }),
  }
  return `${JSON.stringify(body, undefined, 2)}\n`
}

function failureText({ code, message, fields, advice }: CliFailure): string {
  const lines = [
    `tollgate: ${code}: ${message.split('\n').map(printable).join('\n')}`,
    ...fields.map((field) => `  ${printable(field.pointer)} ${printable(field.message)}`),
    ...(advice === undefined ? [] : [`  ${advice}`]),
  ]
  return `${lines.join('\n')}\n`
}
