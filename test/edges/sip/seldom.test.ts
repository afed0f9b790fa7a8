import { expect, it } from 'vitest'
import { Seldom } from '../../../src/edges/sip/seldom.ts'

it('what happens all the time is said once a minute, with how often it was', () => {
  let nowMs = 0
  const said: [string, number][] = []
  const seldom = new Seldom<string>(
    (what, times) => said.push([what, times]),
    () => nowMs,
  )
  for (const atMs of [5, 6, 7, 60_004, 60_005, 60_006, 200_000]) {
    nowMs = atMs
    seldom.happened(`at ${atMs}`)
  }
  expect(said).toEqual([
    ['at 5', 1],
    ['at 60005', 4],
    ['at 200000', 2],
  ])
})
