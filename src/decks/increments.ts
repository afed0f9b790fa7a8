/** Billing increments in one cell: "60/60", "1+1", "30-6", "6", "per second". */
import type { Unreadable } from './codes.ts'

export interface Increments {
  readonly first: number
  readonly next: number
}

const MAX_SECONDS = 86_400
const PAIR = /^(\d{1,5})\s*(?:s|sec|secs|seconds)?\s*[/+\-x:,;|\\ ]\s*(\d{1,5})\s*(?:s|sec|secs|seconds)?$/i
const AS_DATE = /^(\d{1,2}[-. ]\p{L}{3,}|\p{L}{3,}[-. ]\d{1,2}|\d{4}-\d\d-\d\d)/u
const ONE = /^(\d{1,5})(?:\.0+)?\s*(?:s|sec|secs|seconds)?$/i

export function readIncrements(cell: string): Increments | Unreadable {
  const text = cell
    .trim()
    .replace(/^="?(.*?)"?$/, '$1')
    .replace(/^'/, '')
  if (/^(per\s*)?second(ly)?$|^sec$/i.test(text)) return { first: 1, next: 1 }
  if (/^(per\s*)?min(ute)?(ly)?$/i.test(text)) return { first: 60, next: 60 }
  const one = ONE.exec(text)
  if (one) return within(text, { first: Number(one[1]), next: Number(one[1]) })
  const pair = PAIR.exec(text)
  if (pair) return within(text, { first: Number(pair[1]), next: Number(pair[2]) })
  // "6/6" in a spreadsheet is the sixth of June before anybody looks.
  if (AS_DATE.test(text)) return { problem: `"${text}" was turned into a date by a spreadsheet` }
  return { problem: `"${text}" is no increments such as "60/60"` }
}

function within(text: string, read: Increments): Increments | Unreadable {
  const fits = [read.first, read.next].every((seconds) => seconds >= 1 && seconds <= MAX_SECONDS)
  return fits ? read : { problem: `"${text}" has an increment that is not 1 to ${MAX_SECONDS} seconds` }
}

/** Seconds of one step, minimum or threshold. */
export function readSeconds(cell: string): number | Unreadable {
  const found = ONE.exec(cell.trim())
  return found ? Number(found[1]) : { problem: `"${cell.trim()}" is no number of seconds` }
}
