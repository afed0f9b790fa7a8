/** What several commands ask of the daemon about tariffs. */
import * as answers from './answers.ts'
import type { z } from 'zod'
import type { RateRow, TariffHead } from '../rating/tariff.ts'
import { usualLimits } from '../rating/guard-rails.ts'
import type { Answer, Api } from './api.ts'
import type { GuardOptions } from './tariff-guards.ts'

/** Millions of rates are read and compared first. */
const ACTIVATE_MS = 600_000

interface Activating extends GuardOptions {
  readonly name: string
  readonly version: number
  readonly at?: string | undefined
}

export function activate(api: Api, { name, version, at, limit = usualLimits, force }: Activating) {
  const body = { ...(at === undefined ? {} : { at }), ...(force ? {} : { limit }) }
  const sending = { body, deadlineMs: ACTIVATE_MS }
  return api.post(`/v1/tariffs/${name}/versions/${version}/activate`, answers.activated, sending)
}

/** The version in force now, as `tariff list` has it. */
export async function activeVersion(api: Api, name: string): Promise<number | undefined> {
  const { value } = await api.get('/v1/tariffs', answers.pageOf(answers.tariff))
  return value.items.find((row) => row.name === name)?.active
}

/** A version as a whole: its head, and every rate in the order it was given. */
export interface Book {
  readonly head: BookHead
  readonly rows: readonly RateRow[]
}

export type BookHead = Omit<TariffHead, 'version'>

export async function bookOf(api: Api, name: string, version: number): Promise<Book> {
  const lines = api.lines(`/v1/tariffs/${name}/versions/${version}/rates`)
  const first = await lines.next()
  const { version: _version, ...head } = answers.bookHead.parse(first.value)
  const rows: RateRow[] = []
  for await (const line of lines) rows.push(rowOf(line as ApiRate))
  return { head, rows }
}

/** A rate as the API has it: a blocked one may have no price. */
type ApiRate = Omit<RateRow, 'perMinute'> & { readonly perMinute?: string }

function rowOf({ perMinute = '', ...rate }: ApiRate): RateRow {
  return { ...rate, perMinute }
}

/** Makes a version of a book; the same content again is the same version. */
export async function addVersion(
  api: Api,
  { head, rows }: Book,
): Promise<Answer<z.output<typeof answers.addedVersion>>> {
  return api.postLines(`/v1/tariffs/${head.name}/versions`, answers.addedVersion, bookLines({ head, rows }))
}

const ROWS_AT_ONCE = 1_000

function* bookLines({ head: { name: _name, ...head }, rows }: Book): Generator<string> {
  yield `${JSON.stringify(head)}\n`
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
    yield rows
      .slice(from, from + ROWS_AT_ONCE)
      .map(({ perMinute, ...rest }) => `${JSON.stringify({ ...rest, ...(perMinute === '' ? {} : { perMinute }) })}\n`)
      .join('')
  }
}
