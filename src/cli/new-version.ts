/** Making the next version of a tariff: compared with what is in force, held to the guard rails, stored, put in force. */
import type { Command } from 'commander'
import type { ClosedCode } from '../decks/deck-rows.ts'
import { amended, withoutGaps } from '../decks/onto.ts'
import { type Guard, guardsOf, guardText, usualLimits } from '../rating/guard-rails.ts'
import type { Api } from './api.ts'
import { instantText } from './arguments.ts'
import type { Cli } from './cli.ts'
import { compiled } from './compiled-book.ts'
import { exitCodes, usageFailure } from './context.ts'
import { activate, activeVersion, addVersion, type Book, bookOf } from './tariff-api.ts'
import { diffRates, type TariffDiff } from './tariff-diff.ts'
import { diffText } from './tariff-diff-text.ts'
import { addGuardOptions, guardFailure, type GuardOptions } from './tariff-guards.ts'
import { fields, instant } from './text.ts'

export interface VersionOptions extends GuardOptions {
  readonly activate?: true
  readonly at?: string
  readonly dryRun?: true
  readonly changes?: true
}

export function addVersionOptions(command: Command): Command {
  return addGuardOptions(
    command
      .option('--activate', 'puts it in force')
      .option('--at <instant>', 'with --activate: from then on', instantText)
      .option('--dry-run', 'only says what would change'),
  )
}

export interface Made {
  readonly book: Book
  /** Codes that are taken away, and what to say of the source beside it. */
  readonly closed?: readonly ClosedCode[]
  readonly facts?: object
}

/** Wrong options are told before anything is read. */
export function checkVersionOptions({ activate: active, at }: VersionOptions): void {
  if (at !== undefined && !active) throw usageFailure('--at needs --activate')
}

export async function makeVersion(cli: Cli, made: Made, options: VersionOptions): Promise<void> {
  const api = await cli.api()
  const { name } = made.book.head
  const from = await activeVersion(api, name)
  const base = from === undefined ? undefined : await bookOf(api, name, from)
  const { book, carried } = joined(made, base, { changes: options.changes === true, nowMs: cli.context.clock.nowMs() })
  const guards = guardsOfBooks(base, book, options.limit)
  const found = (): TariffDiff => diffRates(base?.rows ?? [], book.rows)
  const trial: Trial = { name, from, found, guards, carried, rates: book.rows.length, facts: made.facts ?? {} }
  if (options.dryRun) tryOut(cli, trial, options.force === true)
  else if (guards.length > 0 && !options.force) throw guardFailure(guards)
  else await store(cli, { api, book, trial }, options)
}

function guardsOfBooks(before: Book | undefined, after: Book, limits = usualLimits): readonly Guard[] {
  const guards = guardsOf({ before: before && compiled(before), after: compiled(after) }, limits)
  let step = guards.next()
  while (step.done !== true) step = guards.next()
  return step.value
}

interface Joining {
  readonly changes: boolean
  readonly nowMs: number
}

function joined(
  { book, closed = [] }: Made,
  base: Book | undefined,
  { changes, nowMs }: Joining,
): { book: Book; carried: number } {
  if (!base) return { book, carried: 0 }
  const onto = { base: base.rows, nowMs, zone: book.head.timezone ?? 'UTC' }
  const change = { rates: book.rows, closed }
  const { rates, carried } = changes ? amended(change, onto) : withoutGaps(change, onto)
  return { book: { head: book.head, rows: rates }, carried }
}

interface Trial {
  readonly name: string
  readonly from: number | undefined
  /** Worked out where it is shown. */
  readonly found: () => TariffDiff
  readonly guards: readonly Guard[]
  /** Rates that go on until their new one begins. */
  readonly carried: number
  readonly rates: number
  readonly facts: object
}

function tryOut(cli: Cli, trial: Trial, isForced: boolean): void {
  const { name, from, guards, carried, rates, facts } = trial
  const found = trial.found()
  const { counts, changes } = found
  const against = from === undefined ? 'no version is in force' : `against version ${from}`
  if (guards.length > 0 && !isForced) cli.endWith(exitCodes.refused)
  const version = from === undefined ? {} : { from }
  cli.print({ name, ...version, rates, dryRun: true, carried, guards, counts, changes, ...facts }, () =>
    [
      `${name}, ${against}; nothing was changed`,
      ...carriedText(carried),
      ...guards.map((guard) => `refused: ${guardText(guard)}`),
      diffText(found, false, cli.context),
    ].join('\n'),
  )
}

function carriedText(carried: number): readonly string[] {
  return carried === 0 ? [] : [`${carried} rates in force go on until their new one begins`]
}

async function store(
  cli: Cli,
  { api, book, trial }: { readonly api: Api; readonly book: Book; readonly trial: Trial },
  options: VersionOptions,
): Promise<void> {
  const { name, carried, facts } = trial
  const added = await addVersion(api, book)
  const { version, rates, sha256 } = added.value
  const active = options.activate ? (await activate(api, { name, version, ...options })).value : undefined
  const more = { ...(carried > 0 ? { carried } : {}), ...facts, ...(active ? { from: active.from } : {}) }
  cli.print({ ...(added.raw as object), ...more }, () =>
    fields([
      ['tariff', name],
      ['version', version],
      ['rates', rates],
      ['carried over', carried > 0 ? carried : undefined],
      ['SHA-256', sha256],
      ['in force from', active ? instant(active.from) : 'not yet: `tollgate tariff activate`'],
    ]),
  )
}
