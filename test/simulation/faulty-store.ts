/** A daemon's way to the store, on which a request can be made to end at any visit. */
import { Fault } from '../../src/base/fault.ts'
import type { RedisStore } from '../../src/store/redis.ts'
import type { FaultSpec } from './worlds.ts'

/** The daemon is no more: nobody hears of what the request did. */
export class Killed extends Error {}

/** Counts the visits of one daemon; one request at a time has a fault. */
export class Visits {
  #fault: FaultSpec | undefined
  #seen = 0
  #dead = false

  arm(fault: FaultSpec | undefined): void {
    this.#fault = fault
    this.#seen = 0
  }

  /** Whether the fault came to pass; nothing of the daemon reaches the store afterwards. */
  get isDead(): boolean {
    return this.#dead
  }

  async visit<T>(send: () => Promise<T>): Promise<T> {
    if (this.#dead) throw new Killed('dead')
    this.#seen += 1
    const fault = this.#fault?.visit === this.#seen ? this.#fault : undefined
    if (!fault) return await send()
    this.#fault = undefined
    if (fault.kind === 'killed_before') return this.#die()
    await send()
    if (fault.kind === 'killed_after') return this.#die()
    throw new Fault('store_timeout', 'the reply was lost', { retryable: true })
  }

  #die(): never {
    this.#dead = true
    throw new Killed('killed')
  }
}

export function faultyStore(store: RedisStore, visits: Visits): RedisStore {
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'run') {
        return (...sent: Parameters<RedisStore['run']>) => visits.visit(() => target.run(...sent))
      }
      if (name === 'command') {
        return (send: Parameters<RedisStore['command']>[0]) => visits.visit(() => target.command(send))
      }
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
