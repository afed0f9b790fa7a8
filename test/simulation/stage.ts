/** One simulated installation on a real Redis: its accounts, its daemons, which die and are replaced, and its clock. */
import { hash } from 'node:crypto'
import type { AccountProfile } from '../../src/accounts/account.ts'
import { CallDesk } from '../../src/calls/desk.ts'
import type { CallParts, CallPolicy } from '../../src/calls/parts.ts'
import { Keys, partitionOf } from '../../src/store/keys.ts'
import { RedisAccountOffice } from '../../src/store/redis-accounts.ts'
import { RedisCallLedger } from '../../src/store/redis-call-ledger.ts'
import type { RedisStore } from '../../src/store/redis.ts'
import { FakeClock } from '../support/clock.ts'
import { defaults } from '../support/offices.ts'
import { SimBook } from './book.ts'
import { faultyStore, Visits } from './faulty-store.ts'
import { SLICE_SECONDS, UNATTENDED_SECONDS } from './model.ts'
import type { AccountSpec, WorldSpec } from './worlds.ts'

/** Every tick of a clock asks each of them, so there are few. */
export const PARTITIONS = 2

const POLICY: CallPolicy = {
  sliceSeconds: SLICE_SECONDS,
  extendAheadSeconds: 10,
  setupSeconds: 180,
  guardMs: 500,
  warnSeconds: 0,
  aliveWithinSeconds: 120,
  maxCallSeconds: 14_400,
  unattendedSeconds: UNATTENDED_SECONDS,
  failedMemorySeconds: 300,
  rememberDays: 7,
  endRetrySeconds: 3,
  shortenWithinSeconds: 10,
  emergencyNumbers: ['112'],
  modeOf: () => 'clock',
}

/** What a ledger may be wrapped in, to show that a broken one is noticed. */
export type Wrap = (ledger: CallParts['ledger']) => CallParts['ledger']

export interface SimDaemon {
  readonly desk: CallDesk
  readonly office: RedisAccountOffice
  readonly visits: Visits
}

export interface StageParts {
  readonly store: RedisStore
  readonly prefix: string
  readonly spec: WorldSpec
  readonly wrap?: Wrap
}

export class Stage {
  readonly clock = new FakeClock()
  readonly book = new SimBook()
  readonly keys: Keys
  readonly store: RedisStore
  /** As they are configured now. */
  readonly accounts = new Map<string, AccountSpec>()
  readonly #parts: StageParts
  readonly #daemons: SimDaemon[] = []
  #ids = 0

  constructor(parts: StageParts) {
    this.#parts = parts
    this.store = parts.store
    this.keys = new Keys(parts.prefix)
  }

  async open(): Promise<void> {
    const { spec } = this.#parts
    for (const [name, rate] of Object.entries(spec.tariffs)) this.book.add(name, rate)
    for (let n = 0; n < spec.daemons; n += 1) this.#daemons.push(this.#newDaemon())
    const { office } = this.daemon(0)
    for (const account of spec.accounts) {
      const { id, parent, tariff, funding, maxCalls, creditLimit, trunks, status } = account
      this.accounts.set(id, { ...account })
      const profile = { parent, tariff, funding, maxCalls, creditLimit: BigInt(creditLimit), trunks, status }
      const given = Object.entries(profile).filter(([, value]) => value !== undefined)
      await office.put(id, Object.fromEntries(given))
      if (account.credit > 0) {
        const amount = BigInt(account.credit)
        await office.credit({ account: id, operation: 'first', kind: 'adjustment', amount })
      }
      for (const pool of account.pools) {
        this.clock.advance(1)
        await office.addPool(id, { ...pool, name: pool.id, resets: 'never' })
      }
    }
  }

  daemon(n: number): SimDaemon {
    const at = n % this.#daemons.length
    const found = this.#daemons[at]
    if (!found) throw new RangeError('no daemon')
    if (!found.visits.isDead) return found
    // One that was killed is started again; it remembers nothing.
    const next = this.#newDaemon()
    this.#daemons[at] = next
    return next
  }

  /** The clock of one daemon looks at what is due; the edges it asks are heard. */
  async tick(daemon: number): Promise<void> {
    const { clockwork } = this.daemon(daemon).desk
    await clockwork.tick()
    await clockwork.idle()
  }

  /** The account and those above it. */
  chainOf(account: string): readonly AccountSpec[] {
    const chain: AccountSpec[] = []
    for (let next: string | undefined = account; next !== undefined;) {
      const spec = this.accounts.get(next)
      if (!spec) throw new Error(`no account ${next}`)
      chain.push(spec)
      next = spec.parent
    }
    return chain
  }

  partitionOf(account: string): number {
    return partitionOf(this.chainOf(account).at(-1)?.id ?? '', PARTITIONS)
  }

  profileOf(account: string): Promise<AccountProfile | undefined> {
    return this.daemon(0).office.get(account)
  }

  /** Another version of a tariff from now on; every daemon must read the book again. */
  async activate(name: string, rate: Parameters<SimBook['add']>[1]): Promise<void> {
    this.book.revision += 1
    this.book.add(name, rate)
    for (let p = 0; p < PARTITIONS; p += 1) {
      const key = this.keys.head(p)
      await this.store.command(async (client) => {
        await client.hset(key, 't', this.book.revision)
      })
    }
  }

  #newDaemon(): SimDaemon {
    const wrap: Wrap = this.#parts.wrap ?? ((ledger) => ledger)
    const visits = new Visits()
    const store = faultyStore(this.store, visits)
    const { keys, clock } = this
    const digest = (text: string): string => hash('sha256', text, 'hex')
    const ids = (): string => `id-${(this.#ids += 1)}`
    const office = new RedisAccountOffice({ store, keys, partitions: PARTITIONS, clock, defaults: () => defaults, ids })
    const nothing = (): void => undefined
    const parts: CallParts = {
      ledger: wrap(new RedisCallLedger({ store, keys, digest, legTtlMs: 9 * 86_400_000 })),
      accounts: office,
      tariffs: this.book.reader(),
      policy: () => POLICY,
      identify: () => undefined,
      controlOf: () => EDGE,
      observer: { decided: nothing, ended: nothing, late: nothing, happened: nothing },
      parking: { park: async () => undefined },
      clock,
      digest,
      partitions: PARTITIONS,
      partitionOf: (text) => partitionOf(text, PARTITIONS),
    }
    return { desk: new CallDesk(parts), office, visits }
  }
}

/** It can be told to end a call, and says nothing by itself. */
const EDGE = {
  canEnd: true,
  canRaise: true,
  canList: false,
  end: async () => undefined,
  raise: async () => undefined,
  list: async () => [],
}
