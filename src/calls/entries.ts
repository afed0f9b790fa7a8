/** The journal entries of the calls' side: exactly the moves that the scripts make from the same plan. */
import type { PoolMove } from '../ledger/figures.ts'
import type { TrunkKind } from '../ledger/hold.ts'
import type { BookMove, Counter, CounterMove, JournalEntry, MemberMove } from '../ledger/journal.ts'
import type { LevelSettlement, Reservation, Settlement } from './call-ledger.ts'

/** Undefined when nothing is counted: the record moves on, the books do not. */
export function entryOfReservation(reservation: Reservation): JournalEntry | undefined {
  const moves: CounterMove[] = []
  const members: MemberMove[] = []
  for (const level of reservation.levels) {
    if (level.credit !== 0n) moves.push([level.account, 'dr', Number(level.credit)])
    moves.push(...poolMoves(level.account, level.pools))
    if (level.joins) members.push([level.account, 'live', 1])
    if (level.takesTrunk) members.push([level.account, setOf(level.takesTrunk), 1])
  }
  if (moves.length === 0 && members.length === 0) return undefined
  const { record } = reservation
  return {
    kind: reservation.levels.some((level) => level.joins) ? 'reserve' : 'extend',
    atMs: reservation.nowMs,
    call: record.call,
    legKey: record.legKey,
    moves,
    members,
    books: [],
    note: { why: reservation.why },
  }
}

export function entryOfSettlement(settlement: Settlement): JournalEntry | undefined {
  const moves: CounterMove[] = []
  const members: MemberMove[] = []
  const books: BookMove[] = []
  for (const level of settlement.levels) {
    moves.push(...moneyMoves(level), ...poolMoves(level.account, level.pools))
    if (level.debit !== 0n) books.push([`${level.currency}:revenue`, Number(level.debit)])
    if (level.leaves) members.push([level.account, 'live', -1])
    if (level.frees) members.push([level.account, setOf(level.frees), -1])
  }
  const writesCdr = settlement.levels.some((level) => level.cdr !== undefined)
  if (moves.length === 0 && members.length === 0 && !writesCdr) return undefined
  const { record } = settlement
  return {
    kind: kindOf(settlement),
    atMs: settlement.nowMs,
    call: record.call,
    legKey: record.legKey,
    moves,
    members,
    books,
    note: { why: settlement.why },
  }
}

function moneyMoves({ account, reserved, debit }: LevelSettlement): readonly CounterMove[] {
  const moves: CounterMove[] = []
  if (reserved !== 0n) moves.push([account, 'dr', Number(reserved)])
  if (debit > 0n) moves.push([account, 'dp', Number(debit)])
  if (debit < 0n) moves.push([account, 'cp', Number(-debit)])
  return moves
}

function kindOf({ record }: Settlement): 'release' | 'correct' | 'settle' {
  if (record.state === 'failed') return 'release'
  return record.corrections > 0 ? 'correct' : 'settle'
}

function setOf(kind: TrunkKind): 'inbound' | 'outbound' | 'twoWay' {
  return kind
}

function poolMoves(account: string, pools: readonly PoolMove[]): readonly CounterMove[] {
  const moves: CounterMove[] = []
  for (const move of pools) {
    const counter = (which: 'r' | 'u'): Counter => `p:${move.pool}:${move.cycle}:${which}`
    if (move.reserved !== 0) moves.push([account, counter('r'), move.reserved])
    if (move.used !== 0) moves.push([account, counter('u'), move.used])
  }
  return moves
}
