/** A CDR as a row: a column for each field that has one value (rule X12). */
import type { Cdr } from '../usage/cdr.ts'
import type { ColumnOf } from './table.ts'

export const cdrColumns: readonly ColumnOf<Cdr>[] = [
  ['call', 'text', (cdr) => cdr.call],
  ['revision', 'number', (cdr) => cdr.revision],
  ['level', 'number', (cdr) => cdr.level],
  ['account', 'text', (cdr) => cdr.account],
  ['payer', 'text', (cdr) => cdr.payer],
  ['node', 'text', (cdr) => cdr.node],
  ['call_id', 'text', (cdr) => cdr.callId],
  ['leg_id', 'text', (cdr) => cdr.legId],
  ['direction', 'text', (cdr) => cdr.direction],
  ['media', 'text', (cdr) => cdr.media],
  ['from', 'text', (cdr) => cdr.from],
  ['to', 'text', (cdr) => cdr.to],
  ['user', 'text', (cdr) => cdr.user],
  ['started_at', 'text', (cdr) => cdr.startedAt],
  ['answered_at', 'text', (cdr) => cdr.answeredAt],
  ['ended_at', 'text', (cdr) => cdr.endedAt],
  ['seconds', 'number', (cdr) => cdr.seconds],
  ['billed_seconds', 'number', (cdr) => cdr.billedSeconds],
  ['pool_seconds', 'number', (cdr) => secondsBy(cdr, 'pool')],
  ['overrun_seconds', 'number', (cdr) => cdr.overrunSeconds],
  ['charge', 'amount', (cdr) => cdr.charge],
  ['currency', 'text', (cdr) => cdr.currency],
  ['funded_by', 'text', (cdr) => cdr.fundedBy],
  ['trunk', 'text', (cdr) => cdr.trunk],
  ['tariff', 'text', (cdr) => cdr.rate?.tariff],
  ['tariff_version', 'number', (cdr) => cdr.rate?.version],
  ['prefix', 'text', (cdr) => cdr.rate?.prefix],
  ['destination', 'text', (cdr) => cdr.rate?.destination],
  ['per_minute', 'amount', (cdr) => cdr.rate?.perMinute],
  ['increments', 'text', (cdr) => cdr.rate?.increments],
  ['cause', 'text', (cdr) => cdr.cause],
  ['flags', 'text', (cdr) => cdr.flags.join(' ')],
  ['trunk_seconds', 'number', (cdr) => secondsBy(cdr, 'trunk')],
  ['connect_fee', 'amount', (cdr) => cdr.rate?.connectFee],
]

function secondsBy({ parts }: Cdr, wanted: string): number {
  return parts.reduce((sum, { source, seconds }) => sum + (source === wanted ? seconds : 0), 0)
}
