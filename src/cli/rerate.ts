/** `tollgate usage rerate`: page after page, summed up. */
import type { z } from 'zod'
import { formatAmount, type Micros, parseAmount } from '../base/money.ts'
import * as answers from './answers.ts'
import type { Cli } from './cli.ts'
import { Progress } from './progress.ts'
import { money, table } from './text.ts'

export interface RerateOptions {
  readonly account: string
  readonly from: string
  readonly to: string
  readonly tariff: string
  readonly tariffVersion?: number
  readonly post?: true
  readonly all?: true
}

type Page = z.output<typeof answers.rerated>
type Change = Page['items'][number]

const SHOWN = 20
const PAGE = 200

/** A page that posts is many settlements. */
const PAGE_MS = 120_000

export async function rerate(cli: Cli, options: RerateOptions): Promise<void> {
  const { account, from, to, tariff, tariffVersion, post = false } = options
  const api = await cli.api()
  const order = { from, to, tariff, post, ...(tariffVersion === undefined ? {} : { version: tariffVersion }) }
  const pages: Page[] = []
  const progress = new Progress(cli.context, 're-rating')
  let cursor: string | undefined
  try {
    do {
      const query = `limit=${PAGE}${cursor === undefined ? '' : `&cursor=${cursor}`}`
      const sending = { body: order, deadlineMs: PAGE_MS }
      const { value } = await api.post(`/v1/accounts/${account}/usage/rerate?${query}`, answers.rerated, sending)
      pages.push(value)
      if (value.progress !== undefined) progress.at(value.progress)
      cursor = value.nextCursor
    } while (cursor !== undefined)
  } finally {
    progress.end()
  }
  const facts = summed(account, pages)
  cli.print(facts, () => textOf(cli, facts, options))
}

interface Facts {
  readonly account: string
  readonly tariff: string
  readonly version: number
  readonly currency: string
  readonly calls: number
  readonly changed: number
  readonly posted: number
  readonly left: { readonly no_rate: number; readonly blocked: number; readonly unexplained: number }
  readonly before: string
  readonly after: string
  readonly difference: string
  readonly items: readonly Change[]
}

function summed(account: string, pages: readonly Page[]): Facts {
  const count = (of: (page: Page) => number): number => pages.reduce((sum, page) => sum + of(page), 0)
  const total = (of: (page: Page) => string): Micros =>
    pages.reduce((sum, page) => sum + (parseAmount(of(page)) ?? 0n), 0n)
  const [before, after] = [total((page) => page.before), total((page) => page.after)]
  const [first] = pages
  return {
    ...{ account, tariff: first?.tariff ?? '', version: first?.version ?? 0, currency: first?.currency ?? '' },
    calls: count(({ calls }) => calls),
    changed: count(({ changed }) => changed),
    posted: count(({ posted }) => posted),
    left: {
      no_rate: count(({ left }) => left.no_rate),
      blocked: count(({ left }) => left.blocked),
      unexplained: count(({ left }) => left.unexplained),
    },
    before: formatAmount(before),
    after: formatAmount(after),
    difference: formatAmount(after - before),
    items: pages.flatMap(({ items }) => items),
  }
}

function textOf(cli: Cli, facts: Facts, { post, all }: RerateOptions): string {
  const { account, tariff, version, currency, calls, changed, posted, left, items } = facts
  const show = (amount: string): string => money(amount, currency) ?? ''
  const shown = all ? items : items.slice(0, SHOWN)
  const lines = [
    `${account} by ${tariff} version ${version}: ${calls} calls, ${changed} change`,
    ...(changed === 0 ? [] : [`${show(facts.before)} becomes ${show(facts.after)}: ${show(facts.difference)}`]),
    ...Object.entries({
      'have no price': left.no_rate,
      'are blocked': left.blocked,
      'are not what their own tariff says': left.unexplained,
    })
      .filter(([, count]) => count > 0)
      .map(([why, count]) => `${count} ${why}, and stay as they are`),
    post ? `${posted} corrections posted.` : 'Nothing was posted; --post does.',
  ]
  if (changed === 0) return lines.join('\n')
  const rows = table(
    shown,
    [
      { title: 'CALL', cell: ({ call }) => call },
      { title: 'TO', cell: ({ to }) => to },
      { title: 'SECONDS', cell: ({ seconds }) => seconds, right: true },
      { title: 'BEFORE', cell: ({ before }) => show(before), right: true },
      { title: 'AFTER', cell: ({ after }) => show(after), right: true },
    ],
    cli.context,
  )
  return [
    ...lines,
    rows,
    ...(shown.length < items.length ? [`… and ${items.length - shown.length} more: --all`] : []),
  ].join('\n')
}
