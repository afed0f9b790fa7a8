/**
 * Cuts a call where its price changes: at dates of rates, at band edges by the clock in the tariff's zone, and at steps
 * of call length. A second of the call has the price of the instant at which it begins.
 */
import { NO_ROW } from './prefix-index.ts'
import { type CallDirection, findRate, type RateFound } from './rate-search.ts'
import { BLOCKED, type RateBands, type RateStep, WORD } from './rate-table.ts'
import type { Tariff } from './tariff.ts'
import { bandAt, NO_BAND } from './timetable.ts'
import type { ZoneClock } from './zone-clock.ts'

/** No step has begun. */
const NO_STEP = -1

export interface CallSpan {
  readonly direction: CallDirection
  readonly digits: string
  readonly answeredAtMs: number
  /** Pieces are cut for the seconds before this one; the last piece goes on. */
  readonly untilSecond: number
}

/** From this second on, until the next cut, the call is priced so. */
export interface CallCut {
  readonly fromSecond: number
  readonly row: number
  readonly prefixLength: number
  readonly band: number
  readonly step: number
}

interface RowCut {
  readonly fromSecond: number
  readonly row: number
  readonly prefixLength: number
}

/** Seconds `[fromSecond, untilSecond)` of the call. */
interface Seconds {
  readonly answeredAtMs: number
  readonly fromSecond: number
  readonly untilSecond: number
}

/** `found` is the rate at answer; the first cut begins at second 0. */
export function cutCall(tariff: Tariff, call: CallSpan, found: RateFound): readonly CallCut[] {
  const { rates } = tariff
  const rows = cutByDates(tariff, call, found)
  const cuts: CallCut[] = []
  for (const [place, { fromSecond, row, prefixLength }] of rows.entries()) {
    const untilSecond = rows[place + 1]?.fromSecond ?? call.untilSecond
    if (fromSecond >= untilSecond) continue
    const seconds = { answeredAtMs: call.answeredAtMs, fromSecond, untilSecond }
    const bands = rates.bands.get(row)
    const banded = bands ? cutByBands(bands, tariff.clock, seconds) : [{ fromSecond, band: NO_BAND }]
    for (const cut of cutBySteps(rates.steps.get(row), banded, untilSecond)) addCut(cuts, { ...cut, row, prefixLength })
  }
  return cuts
}

/** Where nothing is valid, or the rate is blocked, the last rate goes on: a call that was let in is not cut off. */
function cutByDates(tariff: Tariff, call: CallSpan, atAnswer: RateFound): readonly RowCut[] {
  const { direction, digits, answeredAtMs } = call
  const endMs = answeredAtMs + call.untilSecond * 1000
  const cuts: RowCut[] = [{ fromSecond: 0, row: atAnswer.row, prefixLength: atAnswer.prefixLength }]
  let { untilMs } = atAnswer
  while (untilMs < endMs) {
    const fromSecond = Math.ceil((untilMs - answeredAtMs) / 1000)
    const atMs = answeredAtMs + fromSecond * 1000
    const found = findRate(tariff.index, tariff.rates, { direction, digits, atMs })
    untilMs = found.untilMs
    if (found.row === NO_ROW || (tariff.rates.get(found.row, WORD.flags) & BLOCKED) !== 0) continue
    cuts.push({ fromSecond, row: found.row, prefixLength: found.prefixLength })
  }
  return cuts
}

interface BandCut {
  readonly fromSecond: number
  readonly band: number
}

/** While the zone's clocks run at one offset, edges are found by adding; where they change, the clock is read again. */
function cutByBands({ timetable }: RateBands, clock: ZoneClock, seconds: Seconds): readonly BandCut[] {
  const { answeredAtMs, fromSecond, untilSecond } = seconds
  const cuts: BandCut[] = []
  let second = fromSecond
  while (second < untilSecond) {
    const atMs = answeredAtMs + second * 1000
    const { offsetMs, untilMs } = clock.offsetAt(atMs)
    const { band, untilLocalMs } = bandAt(timetable, atMs + offsetMs)
    cuts.push({ fromSecond: second, band })
    const nextMs = Math.min(untilLocalMs - offsetMs, untilMs)
    second = Math.ceil((nextMs - answeredAtMs) / 1000)
  }
  return cuts
}

interface StepCut extends BandCut {
  readonly step: number
}

/** From the second of a step on its price holds, in every band. */
function cutBySteps(
  steps: readonly RateStep[] | undefined,
  banded: readonly BandCut[],
  untilSecond: number,
): readonly StepCut[] {
  const firstStep = steps?.[0]?.fromSecond ?? Infinity
  const plain = banded.filter((cut) => cut.fromSecond < firstStep).map((cut) => ({ ...cut, step: NO_STEP }))
  if (!steps) return plain
  const begin = banded[0]?.fromSecond ?? 0
  const stepped = steps.flatMap(({ fromSecond }, step): StepCut[] => {
    const over = (steps[step + 1]?.fromSecond ?? Infinity) <= begin
    if (over || fromSecond >= untilSecond) return []
    return [{ fromSecond: Math.max(fromSecond, begin), band: NO_BAND, step }]
  })
  return [...plain, ...stepped]
}

/** Cuts come in order; of two at one second the later holds, and one that changes nothing is none. */
function addCut(cuts: CallCut[], cut: CallCut): void {
  if (cuts.at(-1)?.fromSecond === cut.fromSecond) cuts.pop()
  const last = cuts.at(-1)
  if (last?.row === cut.row && last.band === cut.band && last.step === cut.step) return
  cuts.push(cut)
}
