/**
 * The book of all tariffs: numbered versions that never change, and a schedule that says from when each is in force.
 * Versions live in the store, so every daemon prices alike; `revision` counts the changes of the whole book, and a
 * decision names the revision it was made with.
 */
import type { RateRow, Tariff, TariffHead, TariffProblem } from './tariff.ts'

/** What decisions need. */
export interface TariffBook {
  readonly revision: number
  /** Reads the book again; every version in force or scheduled is ready afterwards. */
  refresh(): Promise<void>
  /** The version in force at an instant; undefined when there is none. */
  inForce(name: string, atMs: number): Tariff | undefined
  /** A version whatever is in force: for calls that began with it. */
  pinned(name: string, version: number): Promise<Tariff | undefined>
}

/** A version as it is given: it is numbered when it is stored. */
export type NewTariffHead = Omit<TariffHead, 'version'>

export interface TariffVersion {
  readonly version: number
  readonly rates: number
  /** Of the head and the rows in one fixed form. */
  readonly sha256: string
  readonly currency: string
  readonly createdAtMs: number
}

/** From `atMs` the version is in force, until the next entry's instant. */
export interface Activation {
  readonly version: number
  readonly atMs: number
}

export interface TariffSummary {
  readonly name: string
  /** How many there are. */
  readonly versions: number
  readonly newest: TariffVersion
  readonly inForce?: TariffVersion
  /** What is to come, earliest first. */
  readonly scheduled: readonly Activation[]
}

export interface TariffVersionDetail extends TariffVersion {
  readonly head: NewTariffHead
  readonly activations: readonly Activation[]
}

/** Rates of a version whose prefix begins with `prefix`, a page at a time. */
export interface ContentQuery {
  readonly name: string
  readonly version: number
  readonly prefix?: string
  readonly cursor?: string
  readonly limit: number
}

export interface TariffContent extends TariffVersionDetail {
  /** In the order they were given. */
  readonly rows: readonly RateRow[]
  readonly nextCursor?: string
}

export interface TariffRates {
  readonly head: NewTariffHead
  /** In the order they were given, some thousands at a time. */
  readonly parts: AsyncIterable<readonly RateRow[]>
}

export type VersionAdded =
  /** Not created: the newest version has the same content, and is answered. */
  | { readonly kind: 'added'; readonly created: boolean; readonly version: TariffVersion }
  | { readonly kind: 'invalid'; readonly problems: readonly TariffProblem[] }

export type Activated =
  | { readonly kind: 'activated'; readonly revision: number; readonly activation: Activation }
  | { readonly kind: 'version_unknown' }

/** What operators and the config folder do with tariffs. */
export interface TariffOffice {
  /** Rows are numbered from 1 in problems. */
  addVersion(head: NewTariffHead, rows: readonly RateRow[]): Promise<VersionAdded>
  activate(name: string, version: number, atMs: number): Promise<Activated>
  list(): Promise<readonly TariffSummary[]>
  /** Newest first; undefined when there is no such tariff. */
  versions(name: string): Promise<readonly TariffVersionDetail[] | undefined>
  show(query: ContentQuery): Promise<TariffContent | undefined>
  /** The whole of a version. */
  rates(name: string, version: number): Promise<TariffRates | undefined>
}
