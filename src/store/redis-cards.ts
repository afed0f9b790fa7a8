/** Cards on file and orders under review, on the account's partition. */
import type { AccountOffice } from '../accounts/office.ts'
import { z } from 'zod'
import { Fault } from '../base/fault.ts'
import { type CardBook, noCards } from '../payments/card.ts'
import type { CardStore, Order } from '../payments/desk.ts'
import { type PaymentRefused, refusePayment } from '../payments/refusal.ts'
import { untilDone } from './attempts.ts'
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'
import { wordsOf } from './replies.ts'

export interface CardStoreParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly office: Pick<AccountOffice, 'chainOf'>
}

const text = z.string()

const cardBook = z.object({
  customers: z.record(text, text),
  cards: z.array(
    z.object({
      id: text,
      provider: text,
      token: text,
      brand: text,
      last4: text,
      expiryMonth: z.int(),
      expiryYear: z.int(),
      contact: z.object({
        name: text.optional(),
        email: text.optional(),
        phone: text.optional(),
        address: text.optional(),
      }),
      addedAtMs: z.int(),
    }),
  ),
  recurring: text.optional(),
})

const micros = z.codec(text, z.bigint(), { decode: BigInt, encode: String })

const order = z.object({
  id: text,
  account: text,
  goods: z.discriminatedUnion('kind', [
    z.object({ kind: z.enum(['credit', 'dialer']), amount: micros }),
    z.object({ kind: z.literal('bundle'), bundles: z.int(), recurring: z.boolean() }),
  ]),
  amount: micros,
  currency: text,
  minutes: z.object({ seconds: z.int(), bundles: z.int().optional() }).optional(),
  buyer: text.optional(),
  expiresAtMs: z.int(),
})

export class RedisCards implements CardStore {
  readonly #parts: CardStoreParts

  constructor(parts: CardStoreParts) {
    this.#parts = parts
  }

  async cards(account: string): Promise<CardBook | undefined> {
    const partition = await this.#partitionOf(account)
    return partition === undefined ? undefined : (await this.#read(partition, account)).book
  }

  async changeCards(
    account: string,
    decide: (book: CardBook) => CardBook | PaymentRefused,
  ): Promise<CardBook | PaymentRefused> {
    const partition = await this.#partitionOf(account)
    if (partition === undefined) return accountUnknown(account)
    const { store, keys } = this.#parts
    return untilDone(async () => {
      const { revision, book } = await this.#read(partition, account)
      const next = decide(book)
      if ('code' in next) return next
      const written = [keys.cards(partition, account), keys.records(partition)]
      const reply = await store.run('put_record', written, [revision, JSON.stringify(next), `cards:${account}`])
      return wordsOf(reply)[0] === 'saved' ? next : undefined
    })
  }

  async #read(partition: number, account: string): Promise<{ readonly revision: string; readonly book: CardBook }> {
    const { store, keys } = this.#parts
    const found = await store.command((client) => client.get(keys.cards(partition, account)))
    if (found === null) return { revision: '0', book: noCards }
    const [revision = '0'] = found.split('|', 1)
    return { revision, book: decoded(cardBook, found.slice(revision.length + 1)) }
  }

  async keepOrder(kept: Order, forMs: number): Promise<void> {
    const partition = (await this.#partitionOf(kept.account)) ?? 0
    const { store, keys } = this.#parts
    const json = JSON.stringify(z.encode(order, kept))
    await store.command((client) => client.set(keys.order(partition, kept.id), json, 'PX', forMs))
  }

  async order(account: string, id: string): Promise<Order | undefined> {
    const partition = await this.#partitionOf(account)
    if (partition === undefined) return undefined
    const { store, keys } = this.#parts
    const json = await store.command((client) => client.get(keys.order(partition, id)))
    const found = json === null ? undefined : (decoded(order, json) as Order)
    return found?.account === account ? found : undefined
  }

  async #partitionOf(account: string): Promise<number | undefined> {
    return (await this.#parts.office.chainOf(account))?.partition
  }
}

function accountUnknown(account: string): PaymentRefused {
  return refusePayment('account_unknown', `there is no account ${account.slice(0, 64)}`)
}

function decoded<S extends z.ZodType>(schema: S, json: string): z.output<S> {
  const read = z.safeDecode(schema, JSON.parse(json) as z.input<S>)
  if (read.success) return read.data
  throw new Fault('store_unfit', `stored cards or orders cannot be read: ${z.prettifyError(read.error)}`, {
    cause: read.error,
  })
}
