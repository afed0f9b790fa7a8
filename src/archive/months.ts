/** The tables of each month, made when the first row of it comes. */
import type { Transaction } from './sql.ts'
import { TABLES_LOCK } from './migrate.ts'

export type MonthlyTable = 'journal' | 'posting' | 'cdr' | 'event'

/** An edge whose clock is wrong may say any year; such rows lie together in a table of their own. */
const FIRST_YEAR = 2020
const LAST_YEAR = 2099

export class Months {
  readonly #made = new Set<string>()

  /** Makes what is missing; what was made stays known, as tables are never dropped while daemons run. */
  async make(sql: Transaction, table: MonthlyTable, instants: Iterable<string>): Promise<void> {
    const missing = new Set<string>()
    for (const instant of instants) {
      const month = instant.slice(0, 7)
      const year = Number(month.slice(0, 4))
      if (year < FIRST_YEAR || year > LAST_YEAR || this.#made.has(`${table} ${month}`)) continue
      missing.add(month)
    }
    if (missing.size === 0) return
    await sql`select pg_advisory_xact_lock(${TABLES_LOCK})`
    for (const month of missing) await sql.unsafe(tableOf(table, month))
    // Remembered although the transaction may still fail: then the insert fails as well, and says so.
    for (const month of missing) this.#made.add(`${table} ${month}`)
  }

  /** After a transaction that did not come through. */
  forget(): void {
    this.#made.clear()
  }
}

/** `month` is "2026-11" of UTC. */
function tableOf(table: MonthlyTable, month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number)
  const next = new Date(Date.UTC(year, number, 1)).toISOString().slice(0, 10)
  const name = `${table}_${month.replace('-', '_')}`
  return `create table if not exists ${name} partition of ${table}
    for values from ('${month}-01 00:00:00+00') to ('${next} 00:00:00+00')`
}
