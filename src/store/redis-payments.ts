/** Payments on Redis: each step is one script on the account's partition. */
import type { AccountOffice, Page, PageRequest } from '../accounts/office.ts'
import { HISTORY_CURSOR } from '../accounts/office.ts'
import { invariant } from '../base/fault.ts'
import type { Clock } from '../base/time.ts'
import type { Payment } from '../payments/payment.ts'
import type { Change, Decide, Due, Opened, Opening, PayingAccount, PaymentStore } from '../payments/payment-store.ts'
import type { ProviderCharge } from '../payments/provider.ts'
import { type PaymentRefused, refusePayment } from '../payments/refusal.ts'
import { untilDone } from './attempts.ts'
import type { Keys } from './keys.ts'
import {
  isRewritten,
  moveArguments,
  moveRefusal,
  openArguments,
  openRefusal,
  type StoredPayment,
} from './payment-arguments.ts'
import { decodePayment } from './payment-codec.ts'
import { RedisNews } from './news.ts'
import type { RedisStore } from './redis.ts'
import { repliesOf, wordsOf } from './replies.ts'

export interface PaymentStoreParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly partitions: number
  readonly clock: Clock
  readonly office: Pick<AccountOffice, 'get' | 'chainOf' | 'forget'>
}

const PAYMENT_ID = /^(\d{1,4})-[A-Za-z0-9_-]{1,48}$/
const CLAIMED_AT_ONCE = 50
const READ_AT_ONCE = 200
const RECHARGE = 'recharge:'
const RENEWAL = 'bundles:'
const PAYMENT = 'pay:'

export class RedisPayments implements PaymentStore {
  readonly #parts: PaymentStoreParts
  readonly #news: RedisNews

  constructor(parts: PaymentStoreParts) {
    this.#parts = parts
    this.#news = new RedisNews(parts.store, parts.keys)
  }

  async accountOf(account: string): Promise<PayingAccount | undefined> {
    const { office } = this.#parts
    const profile = await office.get(account)
    const chain = profile && (await office.chainOf(account))
    return chain && { partition: chain.partition, profile }
  }

  async open(
    account: string,
    make: (account: PayingAccount) => Opening | PaymentRefused,
  ): Promise<Opened | PaymentRefused> {
    return untilDone(async () => {
      const paying = await this.accountOf(account)
      if (!paying) return refusePayment('account_unknown', `there is no account ${account.slice(0, 64)}`)
      const opening = make(paying)
      return opening.kind === 'refused' ? opening : this.#open(opening, paying)
    })
  }

  async #open(
    opening: Opening,
    { partition: p, profile }: PayingAccount,
  ): Promise<Opened | PaymentRefused | undefined> {
    const { store, keys, clock } = this.#parts
    const { payment, operation } = opening
    const { id, account } = payment
    const key = keys.payment(p, id)
    const reply = await store.run(
      'open_payment',
      [
        key,
        operation ? keys.operation(p, account, operation.id) : key,
        keys.account(p, account),
        keys.paymentsDue(p),
        keys.payments(p),
        keys.paymentOrder(p, account),
        keys.recharge(p, account),
        keys.records(p),
      ],
      openArguments(opening, profile, clock.nowMs()),
    )
    const [word, ...rest] = wordsOf(reply)
    if (word === 'opened') return { kind: 'opened', payment }
    if (word === 'stale_profile') return undefined
    if (word === 'refused') return openRefusal(rest, opening)
    invariant(word === 'replayed', `open_payment answered ${word}`)
    const known = await this.find(rest[0] ?? '')
    invariant(known, `payment ${String(rest[0])} came before and is not there`)
    return { kind: 'replayed', payment: known }
  }

  async find(id: string): Promise<Payment | undefined> {
    return (await this.#read(id))?.payment
  }

  async #read(id: string): Promise<StoredPayment | undefined> {
    const partition = this.#partitionOf(id)
    if (partition === undefined) return undefined
    const { store, keys } = this.#parts
    const [revision, json, receipt] = await store.command((client) =>
      client.hmget(keys.payment(partition, id), 'r', 'j', 'n'),
    )
    if (typeof revision !== 'string' || typeof json !== 'string') return undefined
    return { revision, payment: decodePayment(json, receipt) }
  }

  #partitionOf(id: string): number | undefined {
    const [, partition] = PAYMENT_ID.exec(id) ?? []
    return partition !== undefined && Number(partition) < this.#parts.partitions ? Number(partition) : undefined
  }

  async change(id: string, decide: Decide): Promise<Payment | PaymentRefused | undefined> {
    const answer = await untilDone(async () => {
      const found = await this.#read(id)
      const paying = found && (await this.accountOf(found.payment.account))
      if (!paying) return { payment: undefined }
      const change = decide(found.payment, paying.profile)
      if (!change) return { payment: found.payment }
      if (change.kind === 'refused') return { payment: change }
      const written = await this.#write(found, change, paying)
      return written && { payment: written }
    })
    return answer.payment
  }

  /** Undefined when somebody else was faster. */
  async #write(
    found: StoredPayment,
    change: Change,
    paying: PayingAccount,
  ): Promise<Payment | PaymentRefused | undefined> {
    const { store, clock } = this.#parts
    const { account } = change.payment
    const nowMs = clock.nowMs()
    const reply = await store.run(
      'move_payment',
      this.#keysOf(change, paying),
      moveArguments(found, change, { paying, nowMs }),
    )
    const [word, code, figure = ''] = wordsOf(reply)
    if (word === 'changed' || word === 'stale_profile') return undefined
    if (word === 'refused') return moveRefusal([code ?? '', figure], change.payment)
    invariant(word === 'moved', `move_payment answered ${word}`)
    if (isRewritten(change, paying.profile)) {
      this.#parts.office.forget(account)
      this.#news.tell({ kind: 'account', account })
    }
    return code === undefined || code === '' ? change.payment : { ...change.payment, receipt: `${account}-${code}` }
  }

  #keysOf({ payment, credits }: Change, { partition: p }: PayingAccount): readonly string[] {
    const { keys } = this.#parts
    const { id, account } = payment
    const key = keys.payment(p, id)
    return [
      key,
      keys.paymentsDue(p),
      keys.account(p, account),
      keys.profile(p, account),
      keys.books(p),
      keys.journal(p),
      keys.transactions(p, account),
      keys.outbox(p),
      keys.recharge(p, account),
      credits === undefined ? key : keys.charge(p, credits),
      keys.turns(p),
      keys.changed(p),
      keys.records(p),
      keys.receipts(p, account),
    ]
  }

  async list(account: string, { cursor, limit }: PageRequest): Promise<Page<Payment>> {
    const paying = await this.accountOf(account)
    if (!paying) return { items: [] }
    const { store, keys } = this.#parts
    const list = keys.paymentOrder(paying.partition, account)
    const length = await store.command((client) => client.llen(list))
    const end = cursor !== undefined && HISTORY_CURSOR.test(cursor) ? Math.min(Number(cursor), length) : length
    const from = Math.max(0, end - limit)
    const ids = end === 0 ? [] : await store.command((client) => client.lrange(list, from, end - 1))
    const items = (await this.#readAll(paying.partition, ids)).toReversed()
    return from > 0 ? { items, nextCursor: String(from) } : { items }
  }

  async byReceipt(account: string, number: number): Promise<Payment | undefined> {
    const paying = await this.accountOf(account)
    if (!paying) return undefined
    const { store, keys } = this.#parts
    const receipts = keys.receipts(paying.partition, account)
    const id = await store.command((client) => client.hget(receipts, String(number)))
    return id === null ? undefined : this.find(id)
  }

  async #readAll(partition: number, ids: readonly string[]): Promise<readonly Payment[]> {
    if (ids.length === 0) return []
    const { store, keys } = this.#parts
    const results = await store.command((client) => {
      const pipeline = client.pipeline()
      for (const id of ids) pipeline.hmget(keys.payment(partition, id), 'j', 'n')
      return pipeline.exec()
    })
    return repliesOf(results).flatMap((reply) => {
      const [json, receipt] = reply as readonly (string | null)[]
      return typeof json === 'string' ? [decodePayment(json, receipt)] : []
    })
  }

  async claimDue(nowMs: number, leaseMs: number): Promise<Due> {
    const { store, keys, partitions } = this.#parts
    const claimed: string[] = []
    for (let partition = 0; partition < partitions && claimed.length < CLAIMED_AT_ONCE; partition += 1) {
      const due = keys.paymentsDue(partition)
      const limit = CLAIMED_AT_ONCE - claimed.length
      const [, ...members] = wordsOf(await store.run('claim_due', [due], [nowMs, leaseMs, limit]))
      claimed.push(...members)
    }
    return {
      payments: named(claimed, PAYMENT),
      recharges: named(claimed, RECHARGE),
      renewals: named(claimed, RENEWAL),
    }
  }

  async *openedSince(sinceMs: number): AsyncGenerator<Payment> {
    const { store, keys, partitions } = this.#parts
    for (let partition = 0; partition < partitions; partition += 1) {
      const payments = keys.payments(partition)
      for (let offset = 0; ; offset += READ_AT_ONCE) {
        const ids = await store.command((client) =>
          client.zrange(payments, sinceMs, '+inf', 'BYSCORE', 'LIMIT', offset, READ_AT_ONCE),
        )
        yield* await this.#readAll(partition, ids)
        if (ids.length < READ_AT_ONCE) break
      }
    }
  }

  async noteStray(provider: string, { charge, amount, ...rest }: ProviderCharge): Promise<boolean> {
    const { store, keys } = this.#parts
    const { currency, payment, atMs } = rest
    const text = JSON.stringify({ provider, charge, amount: amount.toString(), currency, payment, atMs })
    return (await store.command((client) => client.hsetnx(keys.strayCharges(), `${provider}:${charge}`, text))) === 1
  }
}

function named(members: readonly string[], kind: string): readonly string[] {
  return members.filter((member) => member.startsWith(kind)).map((member) => member.slice(kind.length))
}
