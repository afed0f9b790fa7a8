/** A clock that stands until it is moved. */
import type { Clock } from '../../src/base/time.ts'

export class FakeClock implements Clock {
  #nowMs: number

  constructor(at: string | number = '2026-11-23T12:00:00Z') {
    this.#nowMs = new Date(at).getTime()
  }

  nowMs(): number {
    return this.#nowMs
  }

  set(at: string | number): void {
    this.#nowMs = new Date(at).getTime()
  }

  advance(ms: number): void {
    this.#nowMs += ms
  }
}
