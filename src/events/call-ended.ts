/** The end of a call as an event: made of its CDR, so that ending a call writes nothing more. */
import { parseAmount } from '../base/money.ts'
import { parseInstant } from '../base/time.ts'
import type { Cdr } from '../usage/cdr.ts'
import type { AccountEvent } from './event.ts'

/** One event for each level of the call's chain and each correction; `id` is that of the CDR's entry. */
export function callEnded(id: string, cdr: Cdr): AccountEvent {
  return { id, type: 'call.ended', account: cdr.account, atMs: msOf(cdr.endedAt), data: present(dataOf(cdr)) }
}

function dataOf(cdr: Cdr): Readonly<Record<string, string | undefined>> {
  return {
    call: cdr.call,
    revision: String(cdr.revision),
    level: String(cdr.level),
    payer: cdr.payer,
    node: cdr.node,
    callId: cdr.callId,
    direction: cdr.direction,
    from: cdr.from,
    to: cdr.to,
    startedAt: String(msOf(cdr.startedAt)),
    answeredAt: cdr.answeredAt === undefined ? undefined : String(msOf(cdr.answeredAt)),
    endedAt: String(msOf(cdr.endedAt)),
    seconds: String(cdr.seconds),
    billedSeconds: String(cdr.billedSeconds),
    charge: String(parseAmount(cdr.charge) ?? 0n),
    currency: cdr.currency,
    fundedBy: cdr.fundedBy,
    cause: cdr.cause,
    flags: cdr.flags.length === 0 ? undefined : cdr.flags.join(' '),
  }
}

function msOf(instant: string): number {
  return parseInstant(instant) ?? 0
}

function present(fields: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const entries = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return Object.fromEntries(entries)
}
