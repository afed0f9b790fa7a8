import { describe, expect, it } from 'vitest'
import { SteadyClock, StepWatch } from '../../src/app/steady-clock.ts'

const START_MS = 1_795_780_000_000
const HOUR_MS = 3_600_000

class Machine {
  passed = 5_000
  stepMs = 0
  readonly passedMs = (): number => this.passed
  readonly wallMs = (): number => START_MS + this.passed - 5_000 + this.stepMs
}

describe('the clock of a daemon', () => {
  it('is that of the machine, while that is not set', () => {
    const machine = new Machine()
    const clock = new SteadyClock(machine)
    machine.passed += 90_000
    expect(clock.nowMs()).toBe(START_MS + 90_000)
    expect(clock.stepMs()).toBe(0)
  })

  it.each([HOUR_MS, -HOUR_MS])('goes on when the machine is set by %d ms', (stepMs) => {
    const machine = new Machine()
    const clock = new SteadyClock(machine)
    machine.passed += 1_000
    expect(clock.nowMs()).toBe(START_MS + 1_000)
    machine.stepMs = stepMs
    expect(clock.nowMs()).toBe(START_MS + 1_000)
    machine.passed += 1_000
    expect(Math.abs(clock.nowMs() - START_MS - 2_000)).toBeLessThanOrEqual(1)
  })

  it.each([1_000, -1_000])('follows the machine by half a second in a thousand: it makes up for %d ms', (stepMs) => {
    const machine = new Machine()
    const clock = new SteadyClock(machine)
    machine.stepMs = stepMs
    let before = clock.nowMs()
    for (let second = 0; second < 1_000; second += 1) {
      machine.passed += 1_000
      const now = clock.nowMs()
      expect(now).toBeGreaterThan(before)
      before = now
    }
    expect(Math.round(clock.stepMs() / 10)).toBe(stepMs / 20)
    machine.passed += 2_000_000
    expect(Math.abs(clock.stepMs())).toBeLessThanOrEqual(1)
  })
})

describe('a watch on the clock', () => {
  it('says once that the machine was set, again when it is set further, and when all agrees again', () => {
    const lines: string[] = []
    let stepMs = 0
    const log = { error: (fields: object) => lines.push(JSON.stringify(fields)), info: () => lines.push('agrees') }
    const watch = new StepWatch({ stepMs: () => stepMs }, log as never)
    const steps = [0, 1_500, HOUR_MS, HOUR_MS - 1, 2 * HOUR_MS, 1_000, 0, -HOUR_MS]
    for (stepMs of steps) watch.look()
    expect(lines).toEqual(['{"aheadSeconds":3600}', '{"aheadSeconds":7200}', 'agrees', '{"aheadSeconds":-3600}'])
  })
})
