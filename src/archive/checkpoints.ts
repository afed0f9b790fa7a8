/**
 * What a journal comes to before its first archived entry: of an archive that took over a store whose oldest entries had
 * left it. One that had the store from the beginning has none.
 */
import type { Checkpoint } from '../ledger/checkpoint.ts'
import type { Fragment, Sql, Transaction } from './sql.ts'

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
  // Opening balances begin with what the accounts had then.
  await sql`insert into posting_month ${openings(sql, sql`partition = ${partition}`)}`
}

/** What accounts had before the first archived entry: the sum of a month before all others. */
export function openings(sql: Sql | Transaction, isWanted: Fragment): Fragment {
  return sql`
    select split_part(name, ' ', 2) as account, date '0001-01-01' as month,
      sum(case split_part(name, ' ', 3) when 'cp' then sum else -sum end) / 1000000.0 as amount
    from checkpoint where ${isWanted} and name like 'a %' and split_part(name, ' ', 3) in ('cp', 'dp')
    group by 1`
}
