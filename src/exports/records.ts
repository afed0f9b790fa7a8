/** The records of an export, read page by page; each is JSON, as it goes to the thread that writes the file. */
import type { Transaction } from '../accounts/office.ts'
import { given } from '../accounts/profile.ts'
import { Fault } from '../base/fault.ts'
import { formatAmount } from '../base/money.ts'
import { formatInstant } from '../base/time.ts'
import type { UsageDesk } from '../usage/summary.ts'
import type { UsageRow } from '../usage/usage-row.ts'
import type { ExportArchive, Posting, RecordPlace, Records, RecordsQuery } from './export-archive.ts'
import type { ExportOrder } from './export.ts'

export interface RecordSources {
  readonly archive: ExportArchive
  readonly usage: Pick<UsageDesk, 'whose' | 'summary'>
}

export interface RecordPage {
  readonly records: readonly string[]
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
        return { items: items.map(postingText), ...rest }
      })
    case 'usage':
      return usagePages(order, sources)
  }
}

function postingText({ atMs, amount, balanceAfter, charge, ...posting }: Posting): string {
  const record: PostingRecord = {
    ...posting,
    at: formatInstant(atMs),
    amount: formatAmount(amount),
    ...(balanceAfter === undefined ? {} : { balanceAfter: formatAmount(balanceAfter) }),
    ...(charge === undefined ? {} : { charge: formatAmount(charge) }),
  }
  return JSON.stringify(record)
}

async function* usagePages(order: ExportOrder, { usage }: RecordSources): AsyncGenerator<RecordPage> {
  const rows = await usage.summary(order.account, order)
  const records = rows.map((row): UsageRecord => ({ ...row, charge: formatAmount(row.charge) }))
  yield { records: records.map((record) => JSON.stringify(record)), done: 1000 }
}

/** Account after account, each from its oldest record on, all as they were at one time; how far a page is, its last instant tells. */
async function* read(
  order: ExportOrder,
  { usage, archive }: RecordSources,
  records: (query: RecordsQuery) => Promise<Records<string>>,
): AsyncGenerator<RecordPage> {
  const { partition, accounts } = await usage.whose(order.account, order.includeDescendants)
  const snapshot = await archive.snapshot(partition)
  const { fromMs, untilMs } = order
  for (const [index, account] of accounts.entries()) {
    let after: RecordPlace | undefined
    do {
      const query = { snapshot, account, fromMs, untilMs, limit: PAGE }
      const { items, next }: Records<string> = await records(after === undefined ? query : { ...query, after })
      const share = next === undefined ? 1 : (next.atMs - fromMs) / (untilMs - fromMs)
      yield { records: items, done: Math.floor((1000 * (index + share)) / accounts.length) }
      after = next
    } while (after !== undefined)
  }
  if (await archive.stands(snapshot)) return
  throw new Fault('archive_unfit', 'the store lost entries while its calls were exported', { retryable: true })
}
