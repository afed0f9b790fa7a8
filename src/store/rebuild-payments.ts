/**
 * Payments, cards and recharges of a store that is built anew. What the journal credited is the truth: a charge that it has
 * is never credited again, and one that a payment claims and the journal lacks is asked of the provider.
 */
import type { JournalEntry } from '../ledger/journal.ts'
import type { StoredRecord } from '../ledger/streams.ts'
import { nextLookupMs, type Payment } from '../payments/payment.ts'
import type { Keys } from './keys.ts'
import { decodePayment, encodePayment } from './payment-codec.ts'
import type { Pipeline, RebuildWriter } from './rebuild-writer.ts'

export interface RebuiltAccount {
  readonly timezone: string
  /** Below this available credit, in micros, the account is recharged; none is never. */
  readonly rechargeBelow?: bigint
  readonly creditLimit: bigint
  /** Cycle that bundles are to be bought for again. */
  readonly unpaidCycle?: number
}

/** The payments that were credited, with the provider's ids of their charges. */
export type Credited = Map<string, string>

export function noteCredited(credited: Credited, { kind, note }: JournalEntry): void {
  if (kind === 'credit' && note?.['payment'] !== undefined) credited.set(note['payment'], note['externalId'] ?? '')
}

export interface PaymentsToRebuild {
  readonly keys: Keys
  readonly partition: number
  readonly nowMs: number
  readonly credited: Credited
  readonly records: AsyncIterable<readonly StoredRecord[]>
  readonly accounts: ReadonlyMap<string, RebuiltAccount>
  /** Micros that an account could spend without its credit limit. */
  readonly leftOf: (account: string) => bigint
  readonly writer: RebuildWriter
}

type Paid = Pick<Payment, 'id' | 'account'>

interface Placed extends Paid {
  readonly openedAtMs: number
}

export class PaymentsRebuild {
  readonly #order: PaymentsToRebuild
  readonly #placed: Placed[] = []
  /** The highest number of a receipt, by account. */
  readonly #receipts = new Map<string, number>()
  readonly #unnumbered: Paid[] = []
  /** Recharges under way, by account. */
  readonly #flights = new Map<string, string>()
  /** Cycles that renewals were opened for and not paid, by payment: a profile may be older than what was paid. */
  readonly #renewals = new Map<string, number>()
  readonly #recharges = new Map<string, Readonly<Record<string, string>>>()

  constructor(order: PaymentsToRebuild) {
    this.#order = order
  }

  async run(): Promise<void> {
    const { keys, partition: p, credited, records, writer } = this.#order
    for await (const page of records) {
      await writer.write((pipeline) => {
        for (const record of page) this.#record(pipeline, record)
      })
    }
    await writer.each(credited, (pipeline, [payment, charge]) => pipeline.set(keys.charge(p, charge), payment))
    // Only now is it known which numbers were given.
    await writer.each(this.#unnumbered, (pipeline, paid) => {
      this.#number(pipeline, paid, (this.#receipts.get(paid.account) ?? 0) + 1)
    })
    await writer.each(this.#receipts, (pipeline, [account, receipts]) => {
      return pipeline.hset(keys.account(p, account), 'rcpt', receipts)
    })
    const placed = this.#placed.toSorted((a, b) => a.openedAtMs - b.openedAtMs)
    await writer.each(placed, (pipeline, { id, account, openedAtMs }) => {
      return pipeline.zadd(keys.payments(p), openedAtMs, id).rpush(keys.paymentOrder(p, account), id)
    })
    await writer.each(this.#order.accounts.keys(), (pipeline, account) => {
      this.#recharge(pipeline, account)
    })
  }

  #record(pipeline: Pipeline, { name, version, content }: StoredRecord): void {
    const { keys, partition: p, nowMs } = this.#order
    pipeline.zadd(keys.records(p), version, name)
    if (content.kind === 'text') {
      pipeline.set(keys.record(p, name), content.text)
      // Whether a month is over is seen by who looks; a fee that the journal has is not posted again.
      if (name.startsWith(STORAGE)) pipeline.zadd(keys.storageDue(p), nowMs, name.slice(STORAGE.length))
    } else if (content.kind === 'hash' && name.startsWith(RECHARGE)) {
      this.#recharges.set(name.slice(RECHARGE.length), content.fields)
    } else if (content.kind === 'hash') this.#payment(pipeline, content.fields)
  }

  #payment(pipeline: Pipeline, { r = '1', j = '{}', n, op, oc }: Readonly<Record<string, string>>): void {
    const { keys, partition: p, nowMs } = this.#order
    const stored = decodePayment(j, undefined)
    const payment = this.#believed(stored)
    const { id, account, openedAtMs } = payment
    pipeline.hset(keys.payment(p, id), { r, j: payment === stored ? j : encodePayment(payment) })
    this.#receipt(pipeline, payment, n)
    if (op !== undefined && oc !== undefined) {
      pipeline.hset(keys.payment(p, id), { op, oc }).set(keys.operation(p, account, op), `${oc} ${id}`)
    }
    const lookupAtMs = nextLookupMs(payment, nowMs)
    if (lookupAtMs !== undefined) pipeline.zadd(keys.paymentsDue(p), lookupAtMs, `pay:${id}`)
    this.#begun(payment)
    this.#placed.push({ id, account, openedAtMs })
  }

  /** What the account buys by itself and has not been paid for. */
  #begun({ id, account, kind, state, renewal }: Payment): void {
    if (kind === 'recharge' && (state === 'opened' || state === 'unknown')) this.#flights.set(account, id)
    if (renewal && state !== 'succeeded') this.#renewals.set(id, renewal.cycle)
  }

  /** As the journal has it: the record may have been archived a moment before or after its entry. */
  #believed(payment: Payment): Payment {
    const { credited, nowMs } = this.#order
    const charge = credited.get(payment.id)
    if ((charge !== undefined) === (payment.state === 'succeeded')) return payment
    const { reason: _, clientSecret: __, ...lasting } = payment
    if (charge !== undefined) return { ...lasting, state: 'succeeded', charge, changedAtMs: nowMs }
    return { ...lasting, state: 'unknown', reason: 'restored', changedAtMs: nowMs, lookups: 0 }
  }

  #receipt(pipeline: Pipeline, payment: Payment, given: string | undefined): void {
    if (given !== undefined) this.#given(payment.account, Number(given))
    if (payment.state !== 'succeeded') return
    if (given === undefined) this.#unnumbered.push(payment)
    else this.#number(pipeline, payment, Number(given))
  }

  #number(pipeline: Pipeline, { id, account }: Paid, number: number): void {
    const { keys, partition: p } = this.#order
    pipeline.hset(keys.payment(p, id), 'n', number).hset(keys.receipts(p, account), number, id)
    this.#given(account, number)
  }

  /** A receipt that was sent has its number for ever, whatever became of its payment. */
  #given(account: string, number: number): void {
    this.#receipts.set(account, Math.max(this.#receipts.get(account) ?? 0, number))
  }

  #recharge(pipeline: Pipeline, account: string): void {
    const { keys, partition: p } = this.#order
    const { flight: _, ...known } = this.#recharges.get(account) ?? {}
    const flight = this.#flights.get(account)
    const under = flight === undefined ? {} : { flight }
    const isIdle = flight === undefined && known['paused'] === undefined && known['next'] === undefined
    const fields = { ...known, ...under, ...(isIdle && this.#isBelow(account) ? { paused: 'restored' } : {}) }
    if (Object.keys(fields).length > 0) pipeline.hset(keys.recharge(p, account), fields)
    if (known['next'] !== undefined) pipeline.zadd(keys.paymentsDue(p), known['next'], `${RECHARGE}${account}`)
    this.#renewal(pipeline, account, known['renewal'])
  }

  /** What was begun goes on; bundles of a cycle that nobody was seen to pay for may be paid for: a person looks first. */
  #renewal(pipeline: Pipeline, account: string, newest = ''): void {
    const { keys, partition: p, accounts, nowMs } = this.#order
    const unpaidCycle = accounts.get(account)?.unpaidCycle
    if (unpaidCycle === undefined || this.#renewals.get(newest) !== unpaidCycle) return
    pipeline.zadd(keys.paymentsDue(p), nowMs, `bundles:${account}`)
  }

  /**
   * Who is below the threshold, and is neither being charged nor waiting nor paused, may have been charged in the moment that
   * was lost: a person looks at the provider before he is charged again.
   */
  #isBelow(account: string): boolean {
    const { accounts, leftOf } = this.#order
    const { rechargeBelow, creditLimit = 0n } = accounts.get(account) ?? {}
    return rechargeBelow !== undefined && leftOf(account) + creditLimit < rechargeBelow
  }
}

const RECHARGE = 'recharge:'
const STORAGE = 'storage:'
