/** One daemon at a time does what is named; the right lapses by itself. */
import type { Clock } from '../base/time.ts'
import type { Turns } from '../calls/rounds.ts'
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'
import { wordsOf } from './replies.ts'

export interface TurnParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly clock: Clock
}

export class RedisTurns implements Turns {
  readonly #parts: TurnParts

  constructor(parts: TurnParts) {
    this.#parts = parts
  }

  async take(name: string, forMs: number): Promise<boolean> {
    const { store, keys, clock } = this.#parts
    const reply = await store.run('take_turn', [keys.turn(name)], [clock.nowMs(), forMs])
    return wordsOf(reply)[0] === 'taken'
  }
}
