/** The record of an ended call from its CDRs: as much as is needed to know a repeated event for what it is. */
import { parseAmount } from '../base/money.ts'
import { parseInstant } from '../base/time.ts'
import type { TrunkKind } from '../ledger/hold.ts'
import type { Cdr } from '../usage/cdr.ts'
import type { Direction, Media } from '../accounts/account.ts'
import type { CallLevel, CallRecord } from './call.ts'
import { parseCallId } from './call-id.ts'

/** `cdrs` are the last revisions of each level, the payer's first; undefined where no CDR names a call of ours. */
export function rememberedCall(cdrs: readonly Cdr[], nowMs: number): CallRecord | undefined {
  const [first] = cdrs
  const place = first && parseCallId(first.call)
  if (!place) return undefined
  const endedAtMs = instant(first.endedAt)
  return {
    revision: 1,
    call: first.call,
    ...place,
    leg: { node: first.node, callId: first.callId, legId: first.legId },
    state: 'ended',
    content: '',
    mode: 'clock',
    direction: first.direction as Direction,
    media: first.media as Media,
    from: first.from,
    to: first.to,
    ...(first.user === undefined ? {} : { user: first.user }),
    account: first.payer,
    authorizedAtMs: instant(first.startedAt),
    ...(first.answeredAt === undefined ? {} : timesOf(instant(first.answeredAt))),
    lastAliveAtMs: endedAtMs,
    absences: 0,
    grantedSeconds: first.seconds,
    maxDurationSeconds: first.seconds,
    levels: cdrs.map(levelOf),
    corrections: first.revision,
    end: {
      endedAtMs,
      seconds: first.seconds,
      cause: first.cause,
      // A real stop corrects a presumed end, but which cycle of which pool paid is not told: then the end stands.
      presumed: first.flags.includes('presumed') && cdrs.every(isWithoutMinutes),
      heardAtMs: endedAtMs,
    },
    history: [{ atMs: nowMs, what: 'restored from its CDR' }],
  }
}

function isWithoutMinutes({ parts, overrunSeconds }: Cdr): boolean {
  return overrunSeconds === 0 && parts.every(({ source }) => source !== 'pool')
}

function timesOf(answeredAtMs: number): Pick<CallRecord, 'answeredAtMs' | 'connectedAtMs'> {
  return { answeredAtMs, connectedAtMs: answeredAtMs }
}

function levelOf({ account, currency, rate, trunk, charge, billedSeconds, overrunSeconds }: Cdr): CallLevel {
  return {
    account,
    currency,
    ...(rate ? { tariff: { name: rate.tariff, version: rate.version } } : {}),
    hold: { pools: [], credit: 0n, ...(trunk === undefined ? {} : { trunk: trunk as TrunkKind }) },
    charge: { micros: parseAmount(charge) ?? 0n, billedSeconds, pools: [], overrunSeconds },
  }
}

function instant(text: string): number {
  return parseInstant(text) ?? 0
}
