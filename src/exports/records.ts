/** The records of an export, read page by page, as they go to the thread that writes the file. */
import type { Transaction } from '../accounts/office.ts'
import { given } from '../accounts/profile.ts'
import { Fault } from '../base/fault.ts'
import { formatAmount } from '../base/money.ts'
import { formatInstant } from '../base/time.ts'
import type { UsageDesk } from '../usage/summary.ts'
import type { UsageRow } from '../usage/usage-row.ts'
import type { LinesPage, ExportArchive, Posting, RecordPlace, RecordsQuery } from './export-archive.ts'
import type { ExportOrder } from './export.ts'
import { linesOf, type RecordLines } from './record-lines.ts'

export interface RecordSources {
  readonly archive: ExportArchive
  readonly usage: Pick<UsageDesk, 'whose' | 'summary'>
}

export interface RecordPage {
  readonly lines: RecordLines
  /** Records in them. */
  readonly count: number
  /** How much of the export there is with this page, in thousandths. */
  readonly done: number
}

/** Of transactions. */
export interface PostingRecord extends Pick<
  Transaction,
  'id' | 'what' | 'why' | 'call' | 'operation' | 'externalId' | 'class' | 'poolSeconds'
> {
  readonly account: string
  readonly at: string
  readonly amount: string
  readonly balanceAfter?: string
  readonly charge?: string
}

/** Of usage. */
export interface UsageRecord extends Omit<UsageRow, 'charge'> {
  readonly charge: string
}

/** Large enough that asking costs little, small enough that calls do not wait for a page. */
const PAGE = 250

/** CDRs are as the archive has them. */
export function recordPages(order: ExportOrder, sources: RecordSources): AsyncGenerator<RecordPage> {
  const { direction, user } = order
  const { archive } = sources
  switch (order.content) {
    case 'cdrs':
      return read(order, sources, (query) => archive.cdrs({ ...query, ...given({ direction, user }) }))
    case 'transactions':
      return read(order, sources, async (query) => {
        const { items, ...rest } = await archive.postings(query)
        return { lines: linesOf(items.map(postingRecord)), count: items.length, ...rest }
      })
    case 'usage':
      return usagePages(order, sources)
  }
}

function postingRecord({ atMs, amount, balanceAfter, charge, ...posting }: Posting): PostingRecord {
  return {
    ...posting,
    at: formatInstant(atMs),
    amount: formatAmount(amount),
    ...(balanceAfter === undefined ? {} : { balanceAfter: formatAmount(balanceAfter) }),
    ...(charge === undefined ? {} : { charge: formatAmount(charge) }),
  }
}

async function* usagePages(order: ExportOrder, { usage }: RecordSources): AsyncGenerator<RecordPage> {
  const rows = await usage.summary(order.account, order)
  const records = rows.map((row): UsageRecord => ({ ...row, charge: formatAmount(row.charge) }))
  yield { lines: linesOf(records), count: records.length, done: 1000 }
}

/** Account after account, each from its oldest record on, all as they were at one time; how far a page is, its last instant tells. */
async function* read(
  order: ExportOrder,
  { usage, archive }: RecordSources,
  records: (query: RecordsQuery) => Promise<LinesPage>,
): AsyncGenerator<RecordPage> {
  const { partition, accounts } = await usage.whose(order.account, order.includeDescendants)
  const snapshot = await archive.snapshot(partition)
  const { fromMs, untilMs } = order
  for (const [index, account] of accounts.entries()) {
    let after: RecordPlace | undefined
    do {
      const query = { snapshot, account, fromMs, untilMs, limit: PAGE }
      const { lines, count, next }: LinesPage = await records(after === undefined ? query : { ...query, after })
      const share = next === undefined ? 1 : (next.atMs - fromMs) / (untilMs - fromMs)
      yield { lines, count, done: Math.floor((1000 * (index + share)) / accounts.length) }
      after = next
    } while (after !== undefined)
  }
  if (await archive.stands(snapshot)) return
  throw new Fault('archive_unfit', 'the store lost entries while its calls were exported', { retryable: true })
}
