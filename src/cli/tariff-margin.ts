/** Prices below their cost, over every prefix that either tariff has. */
import { formatAmount } from '../base/money.ts'
import type { CallDirection } from '../rating/rate-search.ts'
import { type BelowCost, marginOf } from '../usage/margin.ts'
import { compiled } from './compiled-book.ts'
import type { Book } from './tariff-api.ts'
import { money, type Styling, table } from './text.ts'

export interface Margins {
  /** Prefixes that are sold. */
  readonly sold: number
  readonly below: readonly BelowCost[]
  /** Prefixes that are sold and have no cost. */
  readonly noCost: readonly string[]
}

const DIRECTIONS: readonly CallDirection[] = ['outbound', 'inbound']

export function marginsOf(
  { price, cost }: { readonly price: Book; readonly cost: Book },
  asked: { readonly atMs: number; readonly leastPerMille: number },
): Margins {
  const rules = { price: compiled(price), cost: compiled(cost), ...asked }
  const prefixes = new Set([...price.rows, ...cost.rows].map(({ prefix }) => prefix.replace('*', '')))
  const below: BelowCost[] = []
  const noCost = new Set<string>()
  let sold = 0
  for (const prefix of [...prefixes].toSorted()) {
    for (const direction of DIRECTIONS) {
      const found = marginOf(prefix, direction, rules)
      if (found.kind !== 'not_sold') sold += 1
      if (found.kind === 'below') below.push(found.below)
      if (found.kind === 'no_cost') noCost.add(prefix)
    }
  }
  return { sold, below, noCost: [...noCost] }
}

const MAX_LINES = 50

export function marginText({ sold, below, noCost }: Margins, all: boolean, styling: Styling): string {
  const shown = all ? below : below.slice(0, MAX_LINES)
  const more = below.length - shown.length
  return [
    `${below.length} of ${sold} prices are below their cost`,
    ...(shown.length > 0 ? ['', belowTable(shown, styling)] : []),
    ...(more > 0 ? [`… and ${more} more; --all shows them`] : []),
    ...(noCost.length > 0
      ? [`${noCost.length} are sold and have no cost: ${noCost.slice(0, MAX_LINES).join(', ')}`]
      : []),
  ].join('\n')
}

function belowTable(rows: readonly BelowCost[], styling: Styling): string {
  return table(
    rows,
    [
      { title: 'PREFIX', cell: ({ prefix }) => prefix || '*' },
      { title: 'DESTINATION', cell: ({ destination }) => destination },
      { title: 'DIRECTION', cell: ({ direction }) => direction },
      { title: 'CALL OF', cell: ({ seconds }) => `${seconds} s`, right: true },
      { title: 'PRICE', cell: ({ price }) => money(formatAmount(price)), right: true },
      { title: 'COST', cell: ({ cost }) => money(formatAmount(cost)), right: true },
    ],
    styling,
  )
}
