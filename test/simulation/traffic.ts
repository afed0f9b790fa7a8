/** What happens next: calls come and go, their events are lost, late, doubled and lied about, and daemons die. */
import { type Random } from './random.ts'
import { type AccountSpec, type Asks, type FaultSpec, randomRate, type Step, type WorldSpec } from './worlds.ts'

interface KnownCall {
  readonly id: string
  readonly asks: Asks
  stage: 'ringing' | 'up' | 'over'
}

/** How often what is done, against each other. */
const WEIGHTS = {
  authorize: 26,
  again: 4,
  start: 20,
  stop: 18,
  failed: 4,
  alive: 4,
  extend: 8,
  end: 1,
  play: 12,
  money: 3,
  patch: 2,
  tariff: 0.5,
  edge_up: 0.3,
  edge_list: 0.5,
  burst: 0.6,
}

const FAULTS: readonly FaultSpec['kind'][] = ['killed_before', 'killed_after', 'reply_lost']
const MAX_KNOWN = 60
const MAX_LATE = 12

/** Makes steps; it believes what its edge would, never what the store has. */
export class Traffic {
  /** Calls that were begun. */
  calls = 0
  readonly #random: Random
  readonly #spec: WorldSpec
  readonly #count: (what: string) => void
  #known: KnownCall[] = []
  #late: Step[] = []
  #operations = 0
  #instance = 1_000

  constructor(random: Random, spec: WorldSpec, count: (what: string) => void) {
    this.#random = random
    this.#spec = spec
    this.#count = count
  }

  /** What the edge heard of a call: one that is denied is not made, but for edges that do not listen. */
  heard(id: string, allowed: boolean): void {
    const known = this.#known.find((call) => call.id === id)
    if (known && !allowed && known.stage === 'ringing' && !this.#random.chance(0.05)) known.stage = 'over'
  }

  /** The next step, and now and then the one before it once more. */
  next(): Step {
    const random = this.#random
    if (this.#late.length > 0 && (random.chance(0.2) || this.#late.length > MAX_LATE)) {
      this.#count('event late')
      return this.#late.splice(random.whole(0, this.#late.length - 1), 1)[0] ?? this.#play()
    }
    const step = this.#fresh()
    if (!('call' in step) || step.do === 'authorize') return step
    if (random.chance(0.05)) {
      this.#count('event lost')
      return this.#play()
    }
    if (random.chance(0.08)) {
      this.#late.push(step)
      return this.#play()
    }
    if (random.chance(0.08)) {
      this.#count('event doubled')
      this.#late.push({ ...step, ...this.#sent() })
    }
    return step
  }

  #fresh(): Step {
    const what = this.#random.weighted(WEIGHTS)
    switch (what) {
      case 'authorize':
        return this.#authorize()
      case 'again':
        return this.#again()
      case 'start':
      case 'stop':
      case 'failed':
      case 'alive':
      case 'extend':
      case 'end':
        return this.#aboutCall(what)
      case 'play':
        return this.#play()
      case 'money':
        return this.#money()
      case 'patch':
        return this.#patch()
      case 'tariff':
        return {
          do: 'tariff',
          name: this.#random.pick(Object.keys(this.#spec.tariffs)),
          rate: randomRate(this.#random),
        }
      case 'edge_up':
        this.#instance += 1
        return { do: 'edge_up', instance: String(this.#instance), daemon: this.#daemon() }
      case 'edge_list':
        return { do: 'edge_list', calls: this.#listed(), daemon: this.#daemon() }
      case 'burst':
        return this.#burst()
    }
  }

  #authorize(): Step {
    const asks = this.#asks()
    const id = this.#newCall(asks)
    return { do: 'authorize', call: id, asks, ...this.#sent() }
  }

  #newCall(asks: Asks): string {
    this.calls += 1
    const id = `c${this.calls}`
    this.#known.push({ id, asks, stage: 'ringing' })
    if (this.#known.length > MAX_KNOWN) this.#known = this.#known.slice(-MAX_KNOWN / 2)
    return id
  }

  #asks(): Asks {
    const random = this.#random
    return {
      account: random.pick(this.#spec.payers),
      direction: random.chance(0.85) ? 'outbound' : 'inbound',
      to: random.weighted({ '+442079460958': 18, '+900123': 1, '+33123': 1 }),
      mode: random.weighted({ clock: 6, edge: 3, whole: 1 }),
    }
  }

  /** The same request once more, or another one of the same leg. */
  #again(): Step {
    const known = this.#pick(() => true)
    if (!known) return this.#authorize()
    const isOther = this.#random.chance(0.2)
    this.#count(isOther ? 'request changed' : 'request doubled')
    const asks = isOther ? { ...known.asks, to: '+4420555' } : known.asks
    return { do: 'authorize', call: known.id, asks, ...this.#sent() }
  }

  #aboutCall(what: 'start' | 'stop' | 'failed' | 'alive' | 'extend' | 'end'): Step {
    const wanted = { start: 'ringing', failed: 'ringing', alive: 'up', stop: 'up', extend: 'up', end: 'up' }[what]
    const known = this.#pick(({ stage }) => stage === wanted || this.#random.chance(0.05))
    if (!known) return this.#play()
    if (what === 'start') known.stage = 'up'
    if (what === 'stop' || what === 'failed') known.stage = 'over'
    const { id: call } = known
    switch (what) {
      case 'stop':
        return { do: what, call, ...this.#length(), ...this.#sent() }
      case 'extend':
        return { do: what, call, usedSeconds: this.#random.whole(0, 180), ...this.#sent() }
      case 'end':
        return { do: what, call, ...this.#sent() }
      case 'start':
      case 'failed':
      case 'alive':
        return { do: what, call, ...this.#skew(), ...this.#sent() }
    }
  }

  #length(): { readonly seconds?: number; readonly skewMs?: number } {
    if (this.#random.chance(0.3)) return this.#skew()
    return { seconds: this.#random.pick([0, 1, 29, 30, 31, 59, 60, 61, 90, 150, 400]) }
  }

  /** Edges' clocks are wrong by seconds, or by an hour. */
  #skew(): { readonly skewMs?: number } {
    if (!this.#random.chance(0.1)) return {}
    this.#count('clock lied')
    return { skewMs: this.#random.pick([-3_600_000, -4_000, -500, 700, 5_000, 3_600_000]) }
  }

  #play(): Step {
    const ms = this.#random.pick([100, 1_000, 5_000, 20_000, 60_000, 130_000])
    return { do: 'play', ms, daemon: this.#daemon() }
  }

  #money(): Step {
    const random = this.#random
    // Now and then an operation is sent again, as after a reply that never came.
    const isAgain = this.#operations > 0 && random.chance(0.3)
    if (!isAgain) this.#operations += 1
    else this.#count('money doubled')
    const n = this.#operations
    const account = this.#spec.accounts[n % this.#spec.accounts.length]?.id ?? ''
    const micros = n % 4 === 0 ? -20_000 : 40_000
    return { do: 'money', account, micros, operation: `m${n}`, ...this.#sent() }
  }

  #patch(): Step {
    const random = this.#random
    const account = random.pick(this.#spec.accounts)
    const change: Partial<AccountSpec> = random.pick([
      { trunks: { inbound: random.whole(0, 2), outbound: random.whole(0, 2), twoWay: random.whole(0, 1) } },
      { creditLimit: random.whole(0, 100_000) },
      { status: random.chance(0.3) ? 'suspended' : 'active' },
      { tariff: random.pick(Object.keys(this.#spec.tariffs)) },
    ])
    return { do: 'patch', account: account.id, change, ...this.#sent() }
  }

  #listed(): readonly string[] {
    return this.#known.filter(({ stage }) => stage === 'up' && this.#random.chance(0.8)).map(({ id }) => id)
  }

  #burst(): Step {
    const asks = { ...this.#asks(), mode: 'clock' as const }
    const calls = Array.from({ length: this.#random.pick([5, 10, 30]) }, () => this.#newCall(asks))
    return { do: 'burst', calls, asks }
  }

  #pick(fits: (call: KnownCall) => boolean): KnownCall | undefined {
    const some = this.#known.filter(fits)
    return some.length === 0 ? undefined : this.#random.pick(some)
  }

  #daemon(): number {
    return this.#random.whole(0, 2)
  }

  #sent(): { readonly daemon: number; readonly fault?: FaultSpec } {
    const daemon = this.#daemon()
    if (!this.#random.chance(0.06)) return { daemon }
    return { daemon, fault: { kind: this.#random.pick(FAULTS), visit: this.#random.whole(1, 3) } }
  }
}
