import { describe, expect, it } from 'vitest'
import { elapsedMs } from '../../../src/edges/sip/server-time.ts'

const SECOND = 1_000
const DAY = 86_400 * SECOND

describe('between two frames of a server', () => {
  it.each([
    ['on one day', '10:00:00.250000', '10:00:03.500000', 5 * SECOND, 3_250],
    ['over midnight', '23:59:59.000000', '00:00:02.000000', 3 * SECOND, 3_000],
    ['heard of hours later', '10:00:00.000000', '10:00:02.000000', 7_200 * SECOND, 2_000],
    ['days apart', '10:00:00.000000', '10:00:02.000000', 2 * DAY + 2 * SECOND, 2 * DAY + 2_000],
    ['days apart, heard of late', '10:00:00.000000', '10:00:02.000000', DAY + 60 * SECOND, DAY + 2_000],
    ['when our clock is a little behind', '10:00:00.000000', '10:00:02.000000', DAY + 1_900, DAY + 2_000],
  ])('so much time went by: %s', (_, from, to, atMost, expected) => {
    expect(elapsedMs(from, to, atMost)).toBeCloseTo(expected, 3)
  })

  it.each([
    [undefined, '10:00:00.000000'],
    ['10:00:00.000000', ''],
    ['10:00:00.000000', 'noon'],
  ])('nothing is known of %j and %j', (from, to) => {
    expect(elapsedMs(from, to, SECOND)).toBeUndefined()
  })
})
