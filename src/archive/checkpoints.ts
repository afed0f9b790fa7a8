/**
 * What a journal comes to before its first archived entry: of an archive that took over a store whose oldest entries had
 * left it. One that had the store from the beginning has none.
 */
import type { Checkpoint } from '../ledger/checkpoint.ts'
import type { Sql, Transaction } from './sql.ts'

export async function keptCheckpoint(sql: Sql, partition: number): Promise<Checkpoint> {
  const rows = await sql<{ number: string; name: string; sum: string }[]>`
    select number, name, sum::text as sum from checkpoint where partition = ${partition}`
  const number = Number(rows[0]?.number ?? 0)
  return { number, sums: new Map(rows.filter(({ name }) => name !== '').map(({ name, sum }) => [name, BigInt(sum)])) }
}

export async function keepCheckpoint(sql: Transaction, partition: number, { number, sums }: Checkpoint): Promise<void> {
  // The row without a name says how far it goes also where all sums are zero.
  const rows = [['', 0n] as const, ...sums].map(([name, sum]) => ({ partition, number, name, sum: sum.toString() }))
  await sql`insert into checkpoint
    select * from json_populate_recordset(null::checkpoint, ${JSON.stringify(rows)}::text::json)`
}
