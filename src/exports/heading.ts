/** What a table is of, said in the rows before its titles. */
import { dayOf, formatInstant } from '../base/time.ts'
import type { ExportOrder } from './export.ts'

export type Heading = readonly (readonly [name: string, text: string])[]

export function headingOf(order: ExportOrder, madeAtMs: number): Heading {
  const { account, content, fromMs, untilMs, timezone, includeDescendants } = order
  return [
    ['account', `${account}${includeDescendants ? ' and all accounts below it' : ''}`],
    ['content', content === 'usage' ? `usage by ${order.by}` : content],
    ['period', `${dayOf(fromMs, timezone)} to ${dayOf(untilMs - 1, timezone)}`],
    ['instants', `${formatInstant(fromMs)} to before ${formatInstant(untilMs)}`],
    ['timezone', timezone],
    ['filters', filtersOf(order)],
    ['made_at', formatInstant(madeAtMs)],
  ]
}

function filtersOf({ direction, user }: ExportOrder): string {
  const filters = Object.entries({ direction, user }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} is ${value}`],
  )
  return filters.length === 0 ? 'none' : filters.join(', ')
}
