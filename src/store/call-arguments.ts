/** Plans as the ARGV of the calls' scripts, in the order that their headers name. */
import { encodeEntry, type JournalEntry } from '../ledger/journal.ts'
import type { LevelReservation, LevelSettlement, Reservation } from '../calls/call-ledger.ts'
import type { PoolMove } from '../ledger/figures.ts'
import type { TrunkKind } from '../ledger/hold.ts'

export type Argument = string | number

export function modeOf(reservation: Reservation): 'plan' | 'look' | 'forced' {
  if (reservation.lookOnly) return 'look'
  return reservation.forced ? 'forced' : 'plan'
}

export function entryText(entry: JournalEntry | undefined): string {
  return entry ? encodeEntry(entry) : ''
}

function takesOf(level: { ownKind: TrunkKind }, kind: TrunkKind | undefined): 'own' | 'two' | '' {
  if (kind === undefined) return ''
  return kind === level.ownKind ? 'own' : 'two'
}

function text(value: bigint | number | string | undefined): string {
  return value === undefined ? '' : String(value)
}

export function levelArguments(level: LevelReservation): readonly Argument[] {
  return [
    level.account,
    level.currency,
    level.profileVersion,
    text(level.credit),
    text(level.creditLimit),
    text(level.exactlyAvailable),
    text(level.trunkLimits?.own),
    text(level.trunkLimits?.twoWay),
    takesOf(level, level.takesTrunk),
    level.joins ? 1 : 0,
    text(level.callLimit),
    level.spend?.day ?? '',
    level.spend?.month ?? '',
    text(level.spend?.dayCap),
    text(level.spend?.monthCap),
    text(level.thresholds.lowBalance),
    text(level.thresholds.recharge),
    ...poolArguments(level.pools),
  ]
}

export function settlementArguments(level: LevelSettlement): readonly Argument[] {
  return [
    level.account,
    level.currency,
    text(level.reserved),
    text(level.debit),
    text(level.creditLimit),
    takesOf(level, level.frees),
    level.leaves ? 1 : 0,
    level.spend.day,
    level.spend.month,
    text(level.thresholds.lowBalance),
    text(level.thresholds.recharge),
    level.cdr ?? '',
    ...poolArguments(level.pools),
  ]
}

function poolArguments(pools: readonly PoolMove[]): readonly Argument[] {
  return [
    pools.length,
    ...pools.flatMap((move) => [move.pool, move.cycle, move.reserved, move.used, text(move.exactly)]),
  ]
}
