/** What was reported of accounts' storage, on their partitions; kept in the archive as it was last written. */
import { z } from 'zod'
import type { AccountOffice } from '../accounts/office.ts'
import { Fault } from '../base/fault.ts'
import type { Changed, StorageChange, StorageRefused, StorageStore } from '../storage-fee/storage-desk.ts'
import type { StorageBook } from '../storage-fee/storage-month.ts'
import { untilDone } from './attempts.ts'
import { DueAccounts } from './due-accounts.ts'
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'
import { wordsOf } from './replies.ts'

export interface StorageStoreParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly partitions: number
  readonly office: Pick<AccountOffice, 'chainOf'>
}

const whole = z.int().min(0)
const micros = z.codec(z.string().regex(/^\d{1,16}$/), z.bigint(), { decode: BigInt, encode: String })

const bookSchema = z.array(
  z.object({
    month: z.string(),
    days: z.record(z.string(), whole),
    reportedAtMs: whole,
    closed: z
      .object({
        measuredBytes: whole,
        units: whole,
        amount: micros,
        why: z.string(),
        atMs: whole,
        settled: z.boolean(),
        entry: z.string().optional(),
      })
      .optional(),
  }),
)

interface Stored {
  readonly revision: string
  readonly book: StorageBook
}

export class RedisStorage implements StorageStore {
  readonly #parts: StorageStoreParts
  readonly #due: DueAccounts

  constructor(parts: StorageStoreParts) {
    this.#parts = parts
    this.#due = new DueAccounts(parts, 'storageDue')
  }

  async book(account: string): Promise<StorageBook | undefined> {
    const partition = await this.#partitionOf(account)
    return partition === undefined ? undefined : (await this.#read(partition, account)).book
  }

  async change(
    account: string,
    decide: (book: StorageBook) => StorageChange | StorageRefused | undefined,
  ): Promise<Changed> {
    const partition = await this.#partitionOf(account)
    if (partition === undefined) {
      return { kind: 'refused', code: 'account_unknown', detail: `there is no account ${account.slice(0, 64)}` }
    }
    return untilDone(async () => {
      const stored = await this.#read(partition, account)
      const decided = decide(stored.book)
      if (!decided) return { kind: 'stored', book: stored.book } as const
      if (decided.kind === 'refused') return decided
      return this.#write(partition, account, { revision: stored.revision, change: decided })
    })
  }

  due(nowMs: number, limit: number): AsyncIterable<string> {
    return this.#due.at(nowMs, limit)
  }

  async #read(partition: number, account: string): Promise<Stored> {
    const { store, keys } = this.#parts
    const found = await store.command((client) => client.get(keys.storage(partition, account)))
    if (found === null) return { revision: '0', book: [] }
    const [revision = '0'] = found.split('|', 1)
    return { revision, book: decoded(found.slice(revision.length + 1)) }
  }

  /** Undefined when another wrote meanwhile. */
  async #write(
    p: number,
    account: string,
    { revision, change }: { readonly revision: string; readonly change: StorageChange },
  ): Promise<Changed | undefined> {
    const { store, keys } = this.#parts
    const { book, dueAtMs = '' } = change
    const text = JSON.stringify(z.encode(bookSchema, [...book] as z.output<typeof bookSchema>))
    const touched = [keys.storage(p, account), keys.storageDue(p), keys.records(p)]
    const reply = await store.run('put_storage', touched, [revision, text, account, dueAtMs])
    return wordsOf(reply)[0] === 'saved' ? { kind: 'stored', book } : undefined
  }

  async #partitionOf(account: string): Promise<number | undefined> {
    return (await this.#parts.office.chainOf(account))?.partition
  }
}

function decoded(json: string): StorageBook {
  const read = z.safeDecode(bookSchema, JSON.parse(json) as z.input<typeof bookSchema>)
  if (read.success) return read.data
  throw new Fault('store_unfit', `stored reports of storage cannot be read: ${z.prettifyError(read.error)}`, {
    cause: read.error,
  })
}
