/** A CDR as a line of a table: one column for each field that has one value. */
import { z } from 'zod'

const text = z.string()
const whole = z.int()

export const cdrSchema = z.looseObject({
  call: text,
  revision: whole,
  level: whole,
  account: text,
  payer: text,
  node: text,
  callId: text,
  legId: text,
  direction: text,
  media: text,
  from: text,
  to: text,
  user: text.optional(),
  startedAt: text,
  answeredAt: text.optional(),
  endedAt: text,
  seconds: whole,
  billedSeconds: whole,
  charge: text,
  currency: text,
  fundedBy: text,
  trunk: text.optional(),
  parts: z.array(z.looseObject({ source: text, seconds: whole })),
  overrunSeconds: whole,
  cause: text,
  flags: z.array(text),
  rate: z
    .looseObject({ tariff: text, version: whole, prefix: text, destination: text, perMinute: text, increments: text })
    .optional(),
})

export type CdrRow = z.output<typeof cdrSchema>
type Cell = string | number | undefined

/** New columns are added at the end, as people's sheets count them. */
export const cdrColumns: readonly (readonly [title: string, cell: (cdr: CdrRow) => Cell])[] = [
  ['call', (cdr) => cdr.call],
  ['revision', (cdr) => cdr.revision],
  ['level', (cdr) => cdr.level],
  ['account', (cdr) => cdr.account],
  ['payer', (cdr) => cdr.payer],
  ['node', (cdr) => cdr.node],
  ['call_id', (cdr) => cdr.callId],
  ['leg_id', (cdr) => cdr.legId],
  ['direction', (cdr) => cdr.direction],
  ['media', (cdr) => cdr.media],
  ['from', (cdr) => cdr.from],
  ['to', (cdr) => cdr.to],
  ['user', (cdr) => cdr.user],
  ['started_at', (cdr) => cdr.startedAt],
  ['answered_at', (cdr) => cdr.answeredAt],
  ['ended_at', (cdr) => cdr.endedAt],
  ['seconds', (cdr) => cdr.seconds],
  ['billed_seconds', (cdr) => cdr.billedSeconds],
  ['pool_seconds', poolSeconds],
  ['overrun_seconds', (cdr) => cdr.overrunSeconds],
  ['charge', (cdr) => cdr.charge],
  ['currency', (cdr) => cdr.currency],
  ['funded_by', (cdr) => cdr.fundedBy],
  ['trunk', (cdr) => cdr.trunk],
  ['tariff', (cdr) => cdr.rate?.tariff],
  ['tariff_version', (cdr) => cdr.rate?.version],
  ['prefix', (cdr) => cdr.rate?.prefix],
  ['destination', (cdr) => cdr.rate?.destination],
  ['per_minute', (cdr) => cdr.rate?.perMinute],
  ['increments', (cdr) => cdr.rate?.increments],
  ['cause', (cdr) => cdr.cause],
  ['flags', (cdr) => cdr.flags.join(' ')],
]

function poolSeconds({ parts }: CdrRow): number {
  return parts.reduce((sum, { source, seconds }) => sum + (source === 'pool' ? seconds : 0), 0)
}
