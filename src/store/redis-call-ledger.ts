/** The calls' side of the ledger on Redis: packs plans into KEYS and ARGV, unpacks the scripts' answers. */
import type { CallRecord, CallRef, Leg } from '../calls/call.ts'
import type { TrunkKind } from '../ledger/hold.ts'
import { type Digest, legKey } from '../calls/call-id.ts'
import { Fault, invariant } from '../base/fault.ts'
import { entryOfReservation, entryOfSettlement } from '../calls/entries.ts'
import type {
  CallLedger,
  CapReached,
  FiguresAnswer,
  FiguresRequest,
  Mark,
  MarkAnswer,
  Reservation,
  ReserveAnswer,
  SettleAnswer,
  Settlement,
} from '../calls/call-ledger.ts'
import { decodeCall, encodeCall } from './call-codec.ts'
import {
  type Argument,
  entryText,
  levelArguments,
  lookArguments,
  modeOf,
  settlementArguments,
} from './call-arguments.ts'
import { changed, elsewhere, figuresOf, words } from './call-replies.ts'
import type { Keys } from './keys.ts'
import type { RedisReply, RedisStore } from './redis.ts'

export interface CallLedgerParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly digest: Digest
  /** How long a leg's claim is kept: longer than any call and its memory. */
  readonly legTtlMs: number
}

export class RedisCallLedger implements CallLedger {
  readonly #parts: CallLedgerParts

  constructor(parts: CallLedgerParts) {
    this.#parts = parts
  }

  async readCall(ref: CallRef): Promise<CallRecord | undefined> {
    const key = this.#parts.keys.call(ref.partition, ref.legKey)
    const text = await this.#parts.store.command((client) => client.get(key))
    return text === null ? undefined : decodeCall(text)
  }

  async findLeg(leg: Leg): Promise<CallRef | undefined> {
    const key = legKey(leg, this.#parts.digest)
    const partition = await this.#parts.store.command((client) => client.get(this.#parts.keys.leg(key)))
    return partition === null ? undefined : { partition: Number(partition), legKey: key }
  }

  reserve(reservation: Reservation): Promise<ReserveAnswer> {
    return this.#claiming(reservation, (claim) => this.#reserve(reservation, claim))
  }

  /** Runs the reserve script on a record that does not exist, in the mode that only reads. */
  async figures(request: FiguresRequest): Promise<FiguresAnswer> {
    const { keys, store } = this.#parts
    const { partition: p, levels } = request
    const nobody = keys.call(p, 'none')
    const reply = await store.run(
      'reserve',
      [
        ...[keys.head(p), keys.journal(p), keys.outbox(p), keys.due(p), nobody, nobody],
        ...levels.flatMap((level) => this.#levelKeys(p, level)),
      ],
      lookArguments(request),
    )
    const [word, ...rest] = words(reply)
    if (word === 'stale_tariffs') return { kind: word }
    if (word === 'stale_profile') return { kind: word, account: rest[0] ?? '' }
    invariant(word === 'unfit', `a look was answered ${word}`)
    return { kind: 'figures', figures: figuresOf(rest, levels) }
  }

  async #reserve(reservation: Reservation, claim: Claimed): Promise<ReserveAnswer> {
    const { keys, store } = this.#parts
    const { record, levels } = reservation
    const p = record.partition
    const entry = entryOfReservation(reservation)
    const call = keys.call(p, record.legKey)
    const names = [keys.head(p), keys.journal(p), keys.outbox(p), keys.due(p), call, claim.key]
    const words: Argument[] = [
      reservation.nowMs,
      modeOf(reservation),
      reservation.expectedRevision,
      encodeCall(record),
      reservation.dueAtMs,
      record.legKey,
      claim.value,
      claim.before,
      this.#parts.legTtlMs,
      reservation.tariffRevision,
      entryText(entry),
      levels.length,
    ]
    for (const level of levels) {
      names.push(...this.#levelKeys(p, level))
      words.push(...levelArguments(level))
    }
    return this.#reserveAnswer(await store.run('reserve', names, words), reservation)
  }

  async settle(settlement: Settlement): Promise<SettleAnswer> {
    const { keys, store } = this.#parts
    const { record } = settlement
    const p = record.partition
    const entry = entryOfSettlement(settlement)
    const reply = await store.run(
      'settle',
      [
        keys.journal(p),
        keys.outbox(p),
        keys.due(p),
        keys.books(p),
        keys.cdrs(p),
        keys.call(p, record.legKey),
        ...settlement.levels.flatMap((level) => [
          ...this.#levelKeys(p, level),
          keys.transactions(p, level.account),
          keys.cdrOrder(p, level.account),
          keys.cdrIndex(p, level.account),
        ]),
      ],
      [
        settlement.nowMs,
        settlement.expectedRevision,
        encodeCall(record),
        settlement.rememberMs,
        record.legKey,
        record.call,
        record.corrections > 0 ? 1 : 0,
        entryText(entry),
        settlement.levels.length,
        ...settlement.levels.flatMap(settlementArguments),
      ],
    )
    const [word, ...rest] = words(reply)
    if (word === 'settled') return { kind: 'settled' }
    if (word === 'changed') return changed(rest)
    invariant(word === 'unfit', `settle answered ${word}`)
    return { kind: 'unfit', figures: figuresOf(rest, settlement.levels) }
  }

  async tellCap({ partition, account, currency, period, of, cap, spent, nowMs }: CapReached): Promise<void> {
    const { keys, store } = this.#parts
    await store.run(
      'tell_cap',
      [keys.account(partition, account), keys.outbox(partition)],
      [nowMs, account, currency, period, of, cap.toString(), spent.toString()],
    )
  }

  async mark(mark: Mark): Promise<MarkAnswer> {
    return this.#claiming(mark, (claim) => this.#mark(mark, claim))
  }

  async #mark(mark: Mark, claim: Claimed): Promise<MarkAnswer> {
    const { keys, store, legTtlMs } = this.#parts
    const { record } = mark
    const reply = await store.run(
      'mark',
      [keys.due(record.partition), keys.call(record.partition, record.legKey), claim.key],
      [
        mark.expectedRevision,
        encodeCall(record),
        mark.dueAtMs ?? '',
        mark.rememberMs ?? '',
        record.legKey,
        claim.value,
        claim.before,
        legTtlMs,
      ],
    )
    const [word, ...rest] = words(reply)
    if (word === 'marked') return { kind: 'marked' }
    if (word === 'leg_elsewhere') return { kind: 'leg_elsewhere', ref: elsewhere(rest, record) }
    invariant(word === 'changed', `mark answered ${word}`)
    return changed(rest)
  }

  async claimDue(claim: {
    partition: number
    nowMs: number
    leaseMs: number
    limit: number
  }): Promise<readonly CallRef[]> {
    const key = this.#parts.keys.due(claim.partition)
    const reply = await this.#parts.store.run('claim_due', [key], [claim.nowMs, claim.leaseMs, claim.limit])
    return words(reply)
      .slice(1)
      .map((legKey) => ({ partition: claim.partition, legKey }))
  }

  async liveCalls(partition: number, offset: number, limit: number): Promise<readonly CallRecord[]> {
    const { keys, store } = this.#parts
    const legKeys = await store.command((client) =>
      client.zrange(keys.due(partition), offset, String(offset + limit - 1)),
    )
    if (legKeys.length === 0) return []
    const texts = await store.command((client) => client.mget(legKeys.map((legKey) => keys.call(partition, legKey))))
    return texts.filter((text) => text !== null).map((text) => decodeCall(text))
  }

  /**
   * Does a first write with the leg claimed for its partition. On one Redis the script itself claims; on a cluster the
   * claim is a visit of its own, before anything is put aside. A claim for a partition that has no record of the leg is
   * void: its decision was a refusal, its daemon died, or its memory is over.
   */
  #claiming<T extends { readonly kind: string }>(
    write: FirstWrite,
    work: (claim: Claimed) => Promise<T>,
  ): Promise<T | LegElsewhere> {
    // Only a call's first write claims its leg.
    return write.expectedRevision > 0 ? work(this.#unclaimed(write.record)) : this.#claimingFirst(write, work)
  }

  async #claimingFirst<T extends { readonly kind: string }>(
    write: FirstWrite,
    work: (claim: Claimed) => Promise<T>,
  ): Promise<T | LegElsewhere> {
    const { record } = write
    let before = write.legBefore === undefined ? '' : String(write.legBefore)
    for (let attempt = 0; attempt < MAX_CLAIMS; attempt += 1) {
      const claim = await this.#claimLeg(write, before)
      const answer = isElsewhere(claim) ? claim : await work(claim)
      if (!isElsewhere(answer)) return answer
      const { ref } = answer
      const isVoid =
        ref.partition !== record.partition && !(await this.readCall(ref)) && (await this.#shut(ref, record))
      if (!isVoid) return answer
      before = String(ref.partition)
    }
    throw new Fault('store_unavailable', 'the leg is claimed by several partitions at once', { retryable: true })
  }

  /**
   * On a cluster a daemon may have claimed the leg and still be on its way to put something aside: a tombstone makes it
   * find that it came too late. False when it came before.
   */
  async #shut(ref: CallRef, record: CallRecord): Promise<boolean> {
    if (!this.#parts.store.isCluster) return true
    const { attempt: _attempt, ...rest } = record
    const tombstone: CallRecord = {
      ...rest,
      ...ref,
      revision: 1,
      state: 'failed',
      content: '',
      account: '',
      levels: [],
    }
    const mark = { record: tombstone, expectedRevision: 0, nowMs: record.authorizedAtMs, rememberMs: SHUT_MS }
    return (await this.#mark(mark, this.#unclaimed(tombstone))).kind === 'marked'
  }

  /** For a script that has no leg to claim. */
  #unclaimed({ partition, legKey: key }: CallRef): Claimed {
    return { kind: 'claimed', key: this.#parts.keys.call(partition, key), value: '', before: '' }
  }

  async #claimLeg({ record, lookOnly }: FirstWrite, before: string): Promise<Claimed | LegElsewhere> {
    const { keys, store, legTtlMs } = this.#parts
    const key = keys.leg(record.legKey)
    if (!store.isCluster) return { kind: 'claimed', key, value: String(record.partition), before }
    const unclaimed = this.#unclaimed(record)
    if (lookOnly) return (await this.#elsewhere(record, before)) ?? unclaimed
    const reply = words(await store.run('claim_leg', [key], [record.partition, before, legTtlMs]))
    if (reply[0] === 'claimed') return unclaimed
    return { kind: 'leg_elsewhere', ref: elsewhere(reply.slice(1), record) }
  }

  /** A partition other than the record's, whose claim on the leg is not void. */
  async #elsewhere(record: CallRecord, before: string): Promise<LegElsewhere | undefined> {
    const ref = await this.findLeg(record.leg)
    const isElsewhere = ref && ref.partition !== record.partition && String(ref.partition) !== before
    return isElsewhere ? { kind: 'leg_elsewhere', ref } : undefined
  }

  #levelKeys(partition: number, level: { account: string; ownKind: TrunkKind }): readonly string[] {
    const { keys } = this.#parts
    return [
      keys.account(partition, level.account),
      keys.live(partition, level.account),
      keys.channels(partition, level.account, level.ownKind),
      keys.channels(partition, level.account, 'twoWay'),
    ]
  }

  #reserveAnswer(reply: RedisReply, reservation: Reservation): ReserveAnswer {
    const [word, ...rest] = words(reply)
    switch (word) {
      case 'reserved':
      case 'unfit':
        return { kind: word, figures: figuresOf(rest, reservation.levels) }
      case 'changed':
        return changed(rest)
      case 'leg_elsewhere':
        return { kind: 'leg_elsewhere', ref: elsewhere(rest, reservation.record) }
      case 'stale_profile':
        return { kind: 'stale_profile', account: rest[0] ?? '' }
      case 'stale_tariffs':
        return { kind: 'stale_tariffs' }
      default:
        throw new Error(`reserve answered ${word ?? 'nothing'}`)
    }
  }
}

interface FirstWrite {
  readonly record: CallRecord
  readonly expectedRevision: number
  readonly legBefore?: number
  readonly lookOnly?: boolean
}

interface Claimed {
  readonly kind: 'claimed'
  readonly key: string
  /** Empty: the script has no leg to claim. */
  readonly value: string
  readonly before: string
}

interface LegElsewhere {
  readonly kind: 'leg_elsewhere'
  readonly ref: CallRef
}

const MAX_CLAIMS = 3

/** Longer than a command that was sent may take to be carried out. */
const SHUT_MS = 5_000

function isElsewhere(answer: { readonly kind: string }): answer is LegElsewhere {
  return answer.kind === 'leg_elsewhere'
}
