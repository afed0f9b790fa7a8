/** What the book says of one tariff: its versions, and which is in force from when. */
import { z } from 'zod'
import { Fault } from '../base/fault.ts'
import type { Activation, NewTariffHead, TariffSummary, TariffVersion, TariffVersionDetail } from '../rating/book.ts'

/** Prices of calls that began longer ago are not asked for. */
const KEPT_MS = 35 * 86_400_000

const head = z.object({
  name: z.string(),
  currency: z.string(),
  timezone: z.string().optional(),
  effectiveFrom: z.string().optional(),
  rounding: z.object({ decimals: z.int().optional(), mode: z.enum(['half_up', 'up', 'down']).optional() }).optional(),
})

const page = z.object({
  versions: z.array(
    z.object({ version: z.int().min(1), sha256: z.string(), rates: z.int(), createdAtMs: z.int(), head }),
  ),
  activations: z.array(z.object({ version: z.int().min(1), atMs: z.int() })),
})

interface KeptVersion {
  readonly version: number
  readonly sha256: string
  readonly rates: number
  readonly createdAtMs: number
  readonly head: NewTariffHead
}

export interface TariffPage {
  /** Oldest first. */
  readonly versions: readonly KeptVersion[]
  /** Earliest first; of two for one instant the later given stands last. */
  readonly activations: readonly Activation[]
}

export const EMPTY_PAGE: TariffPage = { versions: [], activations: [] }

export function decodePage(name: string, text: string): TariffPage {
  const read = page.safeParse(JSON.parse(text))
  if (read.success) return read.data
  throw new Fault('store_unfit', `tariff ${name} in the store cannot be read: ${z.prettifyError(read.error)}`)
}

/** Of every version in a book: tariff name → text of its page, beside the book's own fields, which begin with ":". */
export function contentHashes(book: Readonly<Record<string, string>>): ReadonlySet<string> {
  const pages = Object.entries(book).filter(([name]) => !name.startsWith(':'))
  return new Set(pages.flatMap(([name, text]) => decodePage(name, text).versions.map(({ sha256 }) => sha256)))
}

export function versionOf({ versions }: TariffPage, version: number): KeptVersion | undefined {
  return versions.find((kept) => kept.version === version)
}

export function activationAt({ activations }: TariffPage, atMs: number): Activation | undefined {
  return activations.findLast((activation) => activation.atMs <= atMs)
}

/** Adds an activation; of one for the same instant it takes the place. Those long past are dropped. */
export function withActivation(before: TariffPage, added: Activation, nowMs: number): TariffPage {
  const others = before.activations.filter(({ atMs }) => atMs !== added.atMs)
  const all = [...others, added].sort((a, b) => a.atMs - b.atMs)
  const firstKept = all.findLastIndex(({ atMs }) => atMs <= nowMs - KEPT_MS)
  return { ...before, activations: all.slice(Math.max(firstKept, 0)) }
}

/** Versions in force at any time from `fromMs` on. */
export function versionsSince(of: TariffPage, fromMs: number): readonly number[] {
  const first = of.activations.findLastIndex(({ atMs }) => atMs <= fromMs)
  return [...new Set(of.activations.slice(Math.max(first, 0)).map(({ version }) => version))]
}

export function summaryOf(name: string, of: TariffPage, nowMs: number): TariffSummary | undefined {
  const newest = of.versions.at(-1)
  if (!newest) return undefined
  const active = activationAt(of, nowMs)
  const inForce = active && versionOf(of, active.version)
  return {
    name,
    newest: plain(newest),
    versions: of.versions.length,
    ...(inForce ? { inForce: plain(inForce) } : {}),
    scheduled: of.activations.filter(({ atMs }) => atMs > nowMs),
  }
}

export function plain({ version, rates, sha256, createdAtMs, head: { currency } }: KeptVersion): TariffVersion {
  return { version, rates, sha256, currency, createdAtMs }
}

export function detailOf(of: TariffPage, kept: KeptVersion): TariffVersionDetail {
  const activations = of.activations.filter(({ version }) => version === kept.version)
  return { ...plain(kept), head: kept.head, activations }
}
