/** Plans as the ARGV of the calls' scripts, in the order that their headers name. */
import { encodeEntry, type JournalEntry } from '../ledger/journal.ts'
import type { FiguresRequest, LevelReservation, LevelSettlement, Reservation } from '../calls/call-ledger.ts'
import type { Thresholds } from '../accounts/watched.ts'
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

/** A reservation of nothing by nobody, which is only answered with the figures. */
export function lookArguments({ nowMs, tariffRevision, levels }: FiguresRequest): readonly Argument[] {
  const nobody = [0, '', nowMs, '', '', '', 0]
  return [nowMs, 'look', ...nobody, tariffRevision, '', levels.length, ...levels.flatMap(levelArguments)]
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
    ...watchArguments(level.thresholds),
    ...poolArguments(level),
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
    ...watchArguments(level.thresholds),
    level.cdr ?? '',
    ...poolArguments(level),
  ]
}

function watchArguments({ lowBalance, recharge }: Thresholds): readonly Argument[] {
  return [lowBalance?.at.join(' ') ?? '', text(recharge)]
}

interface PoolLevel {
  readonly pools: readonly PoolMove[]
  readonly thresholds: Thresholds
}

function poolArguments({ pools, thresholds }: PoolLevel): readonly Argument[] {
  return [
    pools.length,
    ...pools.flatMap((move) => {
      const watched = thresholds.pools[move.pool]
      const low = watched?.cycle === move.cycle ? watched.at.join(' ') : ''
      return [move.pool, move.cycle, move.reserved, move.used, text(move.exactly), low]
    }),
  ]
}
