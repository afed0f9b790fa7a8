import { describe, expect, it } from 'vitest'
import { MAX_RATED_SECONDS } from '../../src/rating/decimals.ts'
import type { CallEvent } from '../../src/calls/requests.ts'
import {
  answerTimes,
  earliestAnswerMs,
  endTime,
  secondsUsed,
  wasAnswered,
  wholeSeconds,
} from '../../src/calls/times.ts'
import { event, words } from '../support/a-call.ts'
import { POLICY } from '../support/desk.ts'
import { aRecord } from '../ledger/a-plan.ts'

const NOW = 1_795_435_200_000
const AUTHORIZED = NOW - 30_000

function stop(times: Partial<CallEvent>): CallEvent {
  return event('stop', words('c1'), times)
}

describe('the instant of an answer', () => {
  it.each<[string, Partial<CallEvent>, number, number]>([
    ['what the edge says', { answeredAtMs: NOW - 20_000, tsMs: NOW }, NOW - 20_000, NOW - 20_000],
    ['when the word was sent', { tsMs: NOW - 1_000 }, NOW - 1_000, NOW - 1_000],
    ['now, when nothing is said', {}, NOW, NOW],
    [
      'a little before it was authorized, as clocks differ',
      { answeredAtMs: AUTHORIZED - 5_000 },
      AUTHORIZED - 5_000,
      AUTHORIZED - 5_000,
    ],
    ['never after now', { answeredAtMs: NOW + 5_000 }, NOW + 5_000, NOW],
    ['as long ago as the edge says, by whatever clock', { answeredAtMs: 10_000, tsMs: 22_000 }, 10_000, NOW - 12_000],
    ['never before it was authorized', { answeredAtMs: 10_000, tsMs: NOW }, 10_000, AUTHORIZED],
    [
      'now, when the edge says a time to come',
      { answeredAtMs: NOW + 3_600_000, tsMs: NOW + 3_600_000 },
      NOW + 3_600_000,
      NOW,
    ],
    ['not to come, though it was sent before', { answeredAtMs: NOW + 3_600_000, tsMs: NOW }, NOW + 3_600_000, NOW],
    ['the length before the end', { seconds: 15, endedAtMs: NOW - 1_000 }, NOW - 16_000, NOW - 16_000],
    ['the length before it was sent', { seconds: 15, tsMs: NOW - 2_000 }, NOW - 17_000, NOW - 17_000],
    ['the length before now', { seconds: 15 }, NOW - 15_000, NOW - 15_000],
  ])('is %s', (_what, times, answeredAtMs, connectedAtMs) => {
    expect(answerTimes(stop(times), NOW, AUTHORIZED)).toEqual({ answeredAtMs, connectedAtMs })
  })

  it('is not before a call was let in, but days ago for one that was not', () => {
    const record = aRecord('c1', 0, { authorizedAtMs: AUTHORIZED })
    expect(earliestAnswerMs(record, NOW)).toBe(AUTHORIZED)
    expect(earliestAnswerMs({ ...record, failOpen: true }, NOW)).toBe(NOW - 7 * 86_400_000)
  })
})

describe('the length of a call', () => {
  const record = aRecord('c1', 0, { answeredAtMs: 1_000_000, connectedAtMs: NOW - 9_500 })

  it.each<[string, Partial<CallEvent>, number]>([
    ['the count of the switch', { seconds: 30, answeredAtMs: 0, endedAtMs: 99_000 }, 30],
    ['the count of the switch, begun seconds too', { seconds: 30.2 }, 31],
    ['end less answer', { answeredAtMs: 5_000, endedAtMs: 15_001 }, 11],
    ['end less the answer that was known', { endedAtMs: 1_010_000 }, 10],
    ['what was sent less the answer', { tsMs: 1_007_000 }, 7],
    ['our own clock', {}, 10],
    ['nothing when it ends before it begins', { answeredAtMs: 5_000, endedAtMs: 4_000 }, 0],
    ['at most what can be rated', { answeredAtMs: 1, endedAtMs: NOW }, MAX_RATED_SECONDS],
  ])('is %s', (_what, times, seconds) => {
    expect(secondsUsed(stop(times), record, NOW)).toBe(seconds)
  })

  it('is nothing when nobody knows of an answer', () => {
    const { answeredAtMs: _a, connectedAtMs: _c, ...unanswered } = record
    expect(secondsUsed(stop({}), unanswered, NOW)).toBe(0)
  })

  it('is whole seconds, never less than none', () => {
    expect([-1, 0, 1, 999, 1000, 1001].map(wholeSeconds)).toEqual([0, 0, 1, 1, 1, 2])
  })
})

describe('the instant of an end', () => {
  const DAY_MS = 86_400_000
  const record = aRecord('c1', 0, { authorizedAtMs: AUTHORIZED, connectedAtMs: NOW - 20_000 })
  const ended = { seconds: 12, policy: POLICY, nowMs: NOW }

  it.each<[string, number, number]>([
    ['what the edge says', NOW - 7_000, NOW - 7_000],
    ['a little to come, as clocks differ', NOW + 5_000, NOW + 5_000],
    ['a little before it was authorized, likewise', AUTHORIZED - 5_000, AUTHORIZED - 5_000],
    ['as long after the answer as it lasted, when the edge says a time to come', NOW + 5_001, NOW - 8_000],
    ['likewise when it says one before there was a call', AUTHORIZED - 5_001, NOW - 8_000],
    ['likewise in another century', -NOW, NOW - 8_000],
  ])('is %s', (_what, saidMs, endedAtMs) => {
    expect(endTime(saidMs, record, ended)).toBe(endedAtMs)
  })

  it('is never to come by our clock, however long the call is said to have lasted', () => {
    expect(endTime(NOW + 3_600_000, record, { ...ended, seconds: 90 })).toBe(NOW)
  })

  it('may be days ago for a call that came without leave', () => {
    const failOpen = { ...record, failOpen: true }
    expect(endTime(NOW - 7 * DAY_MS, failOpen, ended)).toBe(NOW - 7 * DAY_MS)
    expect(endTime(NOW - 8 * DAY_MS, failOpen, ended)).toBe(NOW - 8_000)
    expect(endTime(NOW - 8 * DAY_MS, failOpen, { ...ended, policy: { ...POLICY, rememberDays: 9 } })).toBe(
      NOW - 8 * DAY_MS,
    )
  })
})

describe('whether somebody talked', () => {
  const record = aRecord('c1', 0)

  it.each<[Partial<CallEvent>, boolean]>([
    [{}, false],
    [{ seconds: 0 }, false],
    [{ seconds: 1 }, true],
    [{ answeredAtMs: NOW }, true],
    [{ seconds: 0, answeredAtMs: NOW }, true],
    [{ endedAtMs: NOW }, false],
  ])('is told by %j', (times, answered) => {
    expect(wasAnswered(stop(times), undefined)).toBe(answered)
    expect(wasAnswered(stop(times), record)).toBe(answered)
    expect(wasAnswered(stop(times), { ...record, answeredAtMs: NOW })).toBe(true)
  })
})
