import { describe, expect, it } from 'vitest'
import { ZoneClock } from '../../src/rating/zone-clock.ts'

const MINUTE_MS = 60_000

describe('the offset of a zone', () => {
  it.each([
    ['Europe/London', '2026-10-25T01:00:00Z', 60, 0],
    ['America/New_York', '2026-03-08T07:00:00Z', -300, -240],
    ['Australia/Lord_Howe', '2026-04-04T15:00:00Z', 660, 630],
    ['America/St_Johns', '2026-11-01T04:30:00Z', -150, -210],
  ])('%s changes at %s', (zone, instant, minutesBefore, minutesAfter) => {
    const clock = new ZoneClock(zone)
    const changeMs = Date.parse(instant)
    const before = clock.offsetAt(changeMs - 1)
    expect(before).toMatchObject({ untilMs: changeMs, offsetMs: minutesBefore * MINUTE_MS })
    expect(clock.offsetAt(changeMs)).toMatchObject({ fromMs: changeMs, offsetMs: minutesAfter * MINUTE_MS })
    expect(clock.offsetAt(changeMs - 1)).toEqual(before)
  })

  it('is the same whatever was asked before', () => {
    const used = new ZoneClock('Europe/London')
    for (let atMs = Date.parse('2026-10-20T00:00:00Z'); atMs < Date.parse('2026-10-30T00:00:00Z'); atMs += 7_777_777) {
      expect(used.offsetAt(atMs).offsetMs).toBe(new ZoneClock('Europe/London').offsetAt(atMs).offsetMs)
    }
  })

  it('of UTC is nothing', () => {
    expect(new ZoneClock('UTC').offsetAt(0).offsetMs).toBe(0)
  })
})
