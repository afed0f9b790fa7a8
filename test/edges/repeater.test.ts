import { describe, expect, it } from 'vitest'
import { Fault } from '../../src/base/fault.ts'
import { Repeater } from '../../src/edges/repeater.ts'
import { until } from './sip/process.ts'

const EVERY_MS = 1

/** Takes what it is told it may, and notes it. */
class Desk {
  readonly taken: number[] = []
  asked = 0
  refuses: (item: number) => boolean = () => false

  send = (item: number): Promise<void> => {
    this.asked += 1
    if (this.refuses(item)) return Promise.reject(new Error(`${item} is not taken`))
    this.taken.push(item)
    return Promise.resolve()
  }
}

describe('a repeater', () => {
  it('delivers what was not taken as soon as it is', async () => {
    const desk = new Desk()
    desk.refuses = () => true
    const repeater = new Repeater(desk.send, () => undefined, EVERY_MS)
    for (const item of [1, 2, 3, 4, 5]) await expect(repeater.deliver(item)).rejects.toThrow()
    const before = desk.asked
    await until('it is tried again', () => desk.asked > before + 9)
    desk.refuses = () => false
    await until('all are taken', () => desk.taken.length === 5)
    expect(desk.taken.toSorted()).toEqual([1, 2, 3, 4, 5])
    repeater.stop()
  })

  it.for([1, 2, 3, 10])('does not let %i that are never taken hold up the others', async (never) => {
    const desk = new Desk()
    desk.refuses = () => true
    const repeater = new Repeater(desk.send, () => undefined, EVERY_MS)
    const items = [...Array(never + 20).keys()]
    await Promise.allSettled(items.map((item) => repeater.deliver(item)))
    desk.refuses = (item) => item < never
    await until('all others are taken', () => desk.taken.length === 20)
    expect(new Set(desk.taken).size).toBe(20)
    repeater.stop()
  })

  it('tells once of each that is refused although the other side is there, and of none while it is away', async () => {
    const away = new Fault('store_unavailable', 'away', { retryable: true })
    const [bug, other] = [new TypeError('not a call'), new TypeError('another')]
    const errors = new Map<string, Error>([
      ['away', away],
      ['odd', bug],
      ['odd later', away],
    ])
    const told: unknown[] = []
    let asked = 0
    const refuse = (item: string): Promise<void> => {
      asked += 1
      return Promise.reject(errors.get(item) ?? new Error())
    }
    const repeater = new Repeater(refuse, (error, item) => told.push([item, error]), EVERY_MS)
    await Promise.allSettled([...errors.keys()].map((item) => repeater.deliver(item)))
    expect(told).toEqual([['odd', bug]])
    errors.set('odd later', other)
    await until('each is refused again and again', () => asked > 20)
    expect(told).toEqual([
      ['odd', bug],
      ['odd later', other],
    ])
    repeater.stop()
  })
})
