/** The clock of drachtio-server: its frames say at what time of the day, in UTC, they were made, and not on which day. */

const DAY_MS = 86_400_000
/** Two clocks do not run quite alike. */
const TOLERANCE_MS = 1_000

/**
 * How long after one message of a server another came to it, in milliseconds. We may have heard of the later one long after
 * it came, and never before: so much at most has passed. Undefined where a time cannot be read.
 */
export function elapsedMs(from: string | undefined, to: string | undefined, atMostMs: number): number | undefined {
  const [start, end] = [ofDayMs(from), ofDayMs(to)]
  if (start === undefined || end === undefined) return undefined
  const elapsed = (end - start + DAY_MS) % DAY_MS
  const days = Math.max(0, Math.floor((atMostMs + TOLERANCE_MS - elapsed) / DAY_MS))
  return elapsed + days * DAY_MS
}

function ofDayMs(time: string | undefined): number | undefined {
  const [, hours, minutes, seconds] = /^(\d\d):(\d\d):(\d\d(?:\.\d+)?)$/.exec(time ?? '') ?? []
  if (hours === undefined || minutes === undefined) return undefined
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000
}
