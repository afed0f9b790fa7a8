/**
 * From an edge's clock to ours. All lengths of a call are taken from one edge's times; our clock is used for deadlines,
 * prices and presumed ends. An edge's clock is believed only where it can be true.
 */
import { MAX_RATED_SECONDS } from '../rating/decimals.ts'
import type { CallRecord } from './call.ts'
import type { CallPolicy } from './parts.ts'
import type { CallEvent } from './requests.ts'
import { rememberMs } from './schedule.ts'

/** Clocks of edge and daemon may differ by this much without being thought wrong. */
const TOLERANCE_MS = 5_000

/** A call is not taken to be up for longer. */
export const OLDEST_CALL_MS = 7 * 86_400_000

/** When the call was answered: by the edge's clock, and by ours. */
export function answerTimes(
  event: CallEvent,
  nowMs: number,
  authorizedAtMs: number,
): { readonly answeredAtMs: number; readonly connectedAtMs: number } {
  const answeredAtMs = event.answeredAtMs ?? answeredBySeconds(event, nowMs) ?? event.tsMs ?? nowMs
  const plausible = answeredAtMs >= authorizedAtMs - TOLERANCE_MS && answeredAtMs <= nowMs + TOLERANCE_MS
  if (plausible) return { answeredAtMs, connectedAtMs: Math.min(answeredAtMs, nowMs) }
  const sentAfterMs = Math.max(0, (event.tsMs ?? answeredAtMs) - answeredAtMs)
  return { answeredAtMs, connectedAtMs: Math.max(nowMs - sentAfterMs, Math.min(authorizedAtMs, nowMs)) }
}

/** No call was answered before it was let in; one that came without leave may have been up for days. */
export function earliestAnswerMs({ failOpen, authorizedAtMs }: CallRecord, nowMs: number): number {
  return failOpen ? nowMs - OLDEST_CALL_MS : authorizedAtMs
}

interface Ended {
  readonly seconds: number
  readonly policy: CallPolicy
  readonly nowMs: number
}

/**
 * The instant that an edge says a call ended at, where that can be true: the day that the call is counted to hangs on it.
 * Else as long after the answer, by our clock, as the call lasted.
 */
export function endTime(saidMs: number, record: CallRecord, { seconds, policy, nowMs }: Ended): number {
  const firstMs = record.failOpen ? nowMs - rememberMs(policy) : record.authorizedAtMs
  if (saidMs >= firstMs - TOLERANCE_MS && saidMs <= nowMs + TOLERANCE_MS) return saidMs
  return Math.min((record.connectedAtMs ?? nowMs) + seconds * 1000, nowMs)
}

/** A stop that gives only its length was answered that long before its end. */
function answeredBySeconds(event: CallEvent, nowMs: number): number | undefined {
  if (event.type !== 'stop' || event.seconds === undefined) return undefined
  return (event.endedAtMs ?? event.tsMs ?? nowMs) - event.seconds * 1000
}

/** True when the event or what is known before it says that somebody talked. */
export function wasAnswered(event: CallEvent, record: CallRecord | undefined): boolean {
  if (record?.answeredAtMs !== undefined || event.answeredAtMs !== undefined) return true
  return event.seconds !== undefined && event.seconds > 0
}

/**
 * Whole seconds of talk, begun seconds counted: the switch's own count when it gives one, else end less answer by its own
 * clock; our clock only where it gives neither.
 */
export function secondsUsed(event: CallEvent, record: CallRecord, nowMs: number): number {
  if (event.seconds !== undefined) return Math.min(Math.ceil(event.seconds), MAX_RATED_SECONDS)
  const answeredAtMs = event.answeredAtMs ?? record.answeredAtMs
  const endedAtMs = event.endedAtMs ?? event.tsMs
  if (answeredAtMs !== undefined && endedAtMs !== undefined) return wholeSeconds(endedAtMs - answeredAtMs)
  return record.connectedAtMs === undefined ? 0 : wholeSeconds(nowMs - record.connectedAtMs)
}

/** A call is rated for two days at most; one that is said to be longer is flagged. */
export function isOverlong(event: CallEvent): boolean {
  return event.seconds !== undefined && event.seconds > MAX_RATED_SECONDS
}

export function wholeSeconds(lengthMs: number): number {
  return Math.min(Math.max(0, Math.ceil(lengthMs / 1000)), MAX_RATED_SECONDS)
}
