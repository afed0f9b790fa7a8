/** API keys in Redis: `tg_<id>_<secret>`, of which the SHA-256 of the secret is kept and nothing that leads back to it. */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { ApiKeys, KeyInput, KeyRecord, Verified } from '../accounts/api-keys.ts'
import { Fault } from '../base/fault.ts'
import type { Clock } from '../base/time.ts'
import { Recent } from '../calls/memory.ts'
import type { Keys } from './keys.ts'
import { RedisNews } from './news.ts'
import type { RedisStore } from './redis.ts'

const KEY = /^tg_([A-Za-z0-9]{1,32})_([A-Za-z0-9_-]{8,256})$/
const ID_BYTES = 6
const SECRET_BYTES = 24

/** A revoked key is refused everywhere after so long. */
const FRESH_MS = 1_000

/** While the store is away, a key that was good is good for so long: calls still need their decision. */
const STALE_MS = 3_600_000

const MAX_REMEMBERED = 10_000

const kept = z.object({
  id: z.string(),
  /** SHA-256 of the secret in hexadecimal. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.string()),
  account: z.string().optional(),
  name: z.string().optional(),
  createdAtMs: z.int(),
  expiresAtMs: z.int().optional(),
  revokedAtMs: z.int().optional(),
})

type Kept = z.infer<typeof kept>

interface Remembered {
  readonly key: Kept | undefined
  readonly readAtMs: number
}

export interface ApiKeyParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly clock: Clock
}

export class RedisApiKeys implements ApiKeys {
  readonly #parts: ApiKeyParts
  readonly #news: RedisNews
  readonly #recent = new Recent<string, Remembered>(MAX_REMEMBERED)

  constructor(parts: ApiKeyParts) {
    this.#parts = parts
    this.#news = new RedisNews(parts.store, parts.keys)
  }

  /** At once while the key is remembered, which is nearly always. */
  verify(text: string): Verified | Promise<Verified> {
    const [, id, secret] = KEY.exec(text) ?? []
    if (id === undefined || secret === undefined) return undefined
    const found = this.#find(id)
    return found instanceof Promise ? found.then((key) => this.#holding(key, secret)) : this.#holding(found, secret)
  }

  /** An unknown id takes as long as a wrong secret. */
  #holding(key: Kept | undefined, secret: string): Verified {
    const isRight = timingSafeEqual(digest(secret), Buffer.from(key?.hash ?? '00'.repeat(32)))
    if (!key || !isRight || !isValid(key, this.#parts.clock.nowMs())) return undefined
    const { id, scopes, account } = key
    return { id, scopes, ...(account === undefined ? {} : { account }) }
  }

  /** Drops what is remembered of a key: another daemon revoked it. */
  forget(id: string): void {
    this.#recent.delete(id)
  }

  async create(input: KeyInput): Promise<{ readonly text: string; readonly record: KeyRecord }> {
    const { store, keys, clock } = this.#parts
    const id = randomBytes(ID_BYTES).toString('hex')
    const secret = randomBytes(SECRET_BYTES).toString('base64url')
    const { scopes, account, name, expiresAtMs } = input
    const created = { id, hash: digest(secret).toString(), scopes: [...scopes], account, name, expiresAtMs }
    const key: Kept = { ...created, createdAtMs: clock.nowMs() }
    const isNew = await store.command((client) => client.hsetnx(keys.apiKeys(), id, JSON.stringify(key)))
    if (isNew !== 1) throw new Fault('unexpected', `there is an API key ${id}`, { retryable: true })
    this.forget(id)
    return { text: `tg_${id}_${secret}`, record: recordOf(key) }
  }

  /** A revoked key is kept to be listed. */
  async revoke(id: string): Promise<boolean> {
    const { store, keys, clock } = this.#parts
    const key = await this.#read(id)
    if (!key) return false
    if (key.revokedAtMs === undefined) {
      const revoked: Kept = { ...key, revokedAtMs: clock.nowMs() }
      await store.command((client) => client.hset(keys.apiKeys(), id, JSON.stringify(revoked)))
    }
    this.forget(id)
    this.#news.tell({ kind: 'api_key', id })
    return true
  }

  async list(): Promise<readonly KeyRecord[]> {
    const { store, keys } = this.#parts
    const texts = await store.command((client) => client.hvals(keys.apiKeys()))
    return texts.map((text) => recordOf(decode(text))).sort((a, b) => a.createdAtMs - b.createdAtMs)
  }

  #find(id: string): Kept | undefined | Promise<Kept | undefined> {
    const nowMs = this.#parts.clock.nowMs()
    const known = this.#recent.get(id)
    return known && nowMs - known.readAtMs < FRESH_MS ? known.key : this.#freshen(id, known)
  }

  async #freshen(id: string, known: Remembered | undefined): Promise<Kept | undefined> {
    const nowMs = this.#parts.clock.nowMs()
    try {
      const key = await this.#read(id)
      this.#recent.set(id, { key, readAtMs: nowMs })
      return key
    } catch (error) {
      if (!(error instanceof Fault) || !known || nowMs - known.readAtMs >= STALE_MS) throw error
      return known.key
    }
  }

  async #read(id: string): Promise<Kept | undefined> {
    const { store, keys } = this.#parts
    const text = await store.command((client) => client.hget(keys.apiKeys(), id))
    return text === null ? undefined : decode(text)
  }
}

/** SHA-256 in hexadecimal, as bytes of one length whatever the secret. */
function digest(secret: string): Buffer {
  return Buffer.from(hash('sha256', secret, 'hex'))
}

function isValid({ expiresAtMs = Infinity, revokedAtMs }: Kept, nowMs: number): boolean {
  return revokedAtMs === undefined && nowMs < expiresAtMs
}

function recordOf({ hash: _hash, ...record }: Kept): KeyRecord {
  return record
}

function decode(text: string): Kept {
  const read = kept.safeParse(JSON.parse(text))
  if (read.success) return read.data
  throw new Fault('store_unfit', `an API key in the store cannot be read: ${z.prettifyError(read.error)}`)
}
