/**
 * The log: JSON lines by pino. A decision writes one line; numbers are masked and secrets are taken out of every line,
 * wherever they stand in it.
 */
import { type DestinationStream, type Logger, pino } from 'pino'
import { maskNumber } from '../base/e164.ts'
import { formatAmount } from '../base/money.ts'
import type { Decision } from '../calls/parts.ts'

export type { Logger } from 'pino'

export interface LogOptions {
  readonly level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
  /** Standard output unless told otherwise. */
  readonly to?: DestinationStream
}

/** Fields that hold secrets, at the top of a line and one level down. */
const SECRET_FIELDS = ['authorization', 'apiKey', 'secret', 'password', 'token', 'cookie', 'databaseUrl', 'redisUrl']

const SECRET_PATHS = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`])

const KEY_TEXT = /\btg_([A-Za-z0-9]{1,64})_[^\s"'\\]+/g
const URL_PASSWORD = /\b(rediss?|postgres(?:ql)?|https?):\/\/[^\s"'\\/@]*@/g

/** Bytes of lines that are worth a write of their own. */
const LINES_AT_ONCE = 8_192
const WRITTEN_WITHIN_MS = 100

/** API keys keep their id, URLs lose their user and password. */
function withoutSecrets(line: string): string {
  return line.replace(KEY_TEXT, 'tg_$1_[redacted]').replace(URL_PASSWORD, '$1://[redacted]@')
}

export function createLog({ level, to }: LogOptions): Logger {
  return pino(
    {
      level,
      base: null,
      redact: { paths: SECRET_PATHS, censor: '[redacted]' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: withoutSecrets },
    },
    // Lines are written together, while requests go on; at the exit of the process what is left is written at once.
    to ?? pino.destination({ dest: 1, sync: false, minLength: LINES_AT_ONCE, periodicFlush: WRITTEN_WITHIN_MS }),
  )
}

/** The one line that a decision writes. */
export function decisionLine(log: Logger, decision: Decision): void {
  const { operation, call, account, code, fundedBy, reserved, to, tookMs } = decision
  log.info(
    {
      operation,
      call,
      account,
      outcome: code === 'ok' ? 'allow' : 'deny',
      code,
      fundedBy,
      reserved: reserved === undefined ? undefined : formatAmount(reserved),
      to: maskNumber(to),
      ms: Math.round(tookMs * 1000) / 1000,
    },
    'decision',
  )
}
