/** Ended calls priced with another tariff version, summed up. Nothing is changed. */
import { type Micros, parseAmount } from '../base/money.ts'
import type { Tariff } from '../rating/tariff.ts'
import { type EndedCall, isExplained, repriced } from './reprice.ts'

export interface SimulatedCall extends EndedCall {
  readonly call: string
  readonly account: string
  readonly rate?: { readonly version: number; readonly destination: string } | undefined
}

export interface DestinationChange {
  readonly destination: string
  readonly calls: number
  readonly seconds: number
  readonly before: Micros
  readonly after: Micros
}

export interface CallChange {
  readonly call: string
  readonly account: string
  readonly to: string
  readonly before: Micros
  readonly after: Micros
}

export interface SimulationResult {
  readonly calls: number
  readonly before: Micros
  readonly after: Micros
  /** Calls that the version has no price for, or refuses: they would not have been made. */
  readonly unpriced: number
  readonly blocked: number
  /** Calls whose charge is not what their own version says, such as those that minutes made free: left as they were. */
  readonly leftAsCharged: number
  /** The biggest changes first. */
  readonly destinations: readonly DestinationChange[]
  readonly biggest: readonly CallChange[]
}

export interface SimulationRules {
  readonly version: Tariff
  /** The version that a call was charged by; undefined when it cannot be had. */
  readonly own: (version: number) => Promise<Tariff | undefined>
  readonly laterMs: number
}

const BIGGEST = 10

export class Simulation {
  readonly #rules: SimulationRules
  readonly #destinations = new Map<string, DestinationChange>()
  #biggest: CallChange[] = []
  #counts = { calls: 0, unpriced: 0, blocked: 0, leftAsCharged: 0 }

  constructor(rules: SimulationRules) {
    this.#rules = rules
  }

  async add(call: SimulatedCall): Promise<void> {
    const before = parseAmount(call.charge) ?? 0n
    this.#counts.calls += 1
    const after = await this.#priceOf(call, before)
    const { seconds, rate } = call
    const destination = rate?.destination ?? ''
    const known = this.#destinations.get(destination) ?? { destination, calls: 0, seconds: 0, before: 0n, after: 0n }
    this.#destinations.set(destination, {
      destination,
      calls: known.calls + 1,
      seconds: known.seconds + seconds,
      before: known.before + before,
      after: known.after + after,
    })
    this.#noteBiggest({ call: call.call, account: call.account, to: call.to, before, after })
  }

  /** A call that would not be made costs nothing. */
  async #priceOf(call: SimulatedCall, before: Micros): Promise<Micros> {
    const own = call.rate && (await this.#rules.own(call.rate.version))
    if (!own || !isExplained(call, own)) {
      this.#counts.leftAsCharged += 1
      return before
    }
    const found = repriced(call, this.#rules.version, this.#rules.laterMs)
    if (found.kind === 'priced') return found.micros
    if (found.kind === 'blocked') this.#counts.blocked += 1
    else this.#counts.unpriced += 1
    return 0n
  }

  #noteBiggest(change: CallChange): void {
    if (change.before === change.after) return
    this.#biggest = [...this.#biggest, change].toSorted(bySize).slice(0, BIGGEST)
  }

  result(): SimulationResult {
    const destinations = [...this.#destinations.values()].toSorted(bySize)
    const sum = (of: 'before' | 'after'): Micros => destinations.reduce((total, row) => total + row[of], 0n)
    return { ...this.#counts, before: sum('before'), after: sum('after'), destinations, biggest: this.#biggest }
  }
}

interface Change {
  readonly before: Micros
  readonly after: Micros
}

function bySize(a: Change, b: Change): number {
  return Number(size(b) - size(a))
}

function size({ before, after }: Change): bigint {
  return after > before ? after - before : before - after
}
