/** What a simulation found, for people and for programs. */
import { formatAmount, type Micros } from '../base/money.ts'
import type { SimulationResult } from '../usage/simulation.ts'
import { duration, fields, money, type Styling, section, table } from './text.ts'

export interface SimulationFacts {
  readonly name: string
  readonly version: number
  readonly from: string
  readonly to: string
  readonly currency: string
  readonly result: SimulationResult
}

interface Change {
  readonly before: Micros
  readonly after: Micros
}

export function simulationJson({ result, ...facts }: SimulationFacts): object {
  const amounts = <Row extends Change>(row: Row) => {
    const { before, after } = row
    return { ...row, before: formatAmount(before), after: formatAmount(after), change: formatAmount(after - before) }
  }
  const { destinations, biggest, ...total } = result
  return { ...facts, ...amounts(total), destinations: destinations.map(amounts), biggest: biggest.map(amounts) }
}

const MAX_LINES = 20

export function simulationText({ result, ...facts }: SimulationFacts, all: boolean, styling: Styling): string {
  const { name, version, from, to, currency } = facts
  const { destinations, biggest } = result
  const head = `${name} version ${version} for the calls of ${from} to ${to}; nothing was changed`
  if (result.calls === 0) return `${head}\nNo calls.`
  const changed = destinations.filter(({ before, after }) => before !== after)
  const shown = all ? destinations : changed.slice(0, MAX_LINES)
  const more = all ? 0 : changed.length - shown.length
  return [
    head,
    totals(result, currency),
    ...(shown.length > 0 ? [section('By destination', destinationTable(shown, styling))] : []),
    ...(more > 0 ? [`… and ${more} more; --all shows them`] : []),
    ...(biggest.length > 0 ? [section('Biggest changes of calls', callTable(biggest, styling))] : []),
  ].join('\n')
}

function totals(
  { calls, before, after, unpriced, blocked, leftAsCharged }: SimulationResult,
  currency: string,
): string {
  const counted = (count: number): number | undefined => (count > 0 ? count : undefined)
  return fields([
    ['calls', calls],
    ['charged', money(formatAmount(before), currency)],
    ['would be', money(formatAmount(after), currency)],
    ['change', `${money(formatAmount(after - before), currency) ?? ''}${percent({ before, after })}`],
    ['without a price', counted(unpriced)],
    ['blocked', counted(blocked)],
    ['left as charged', counted(leftAsCharged)],
  ])
}

function percent({ before, after }: Change): string {
  if (before === 0n) return ''
  const perMille = ((after - before) * 1000n) / before
  return ` (${perMille > 0n ? '+' : ''}${(Number(perMille) / 10).toFixed(1)} %)`
}

function destinationTable(rows: SimulationResult['destinations'], styling: Styling): string {
  return table(
    rows,
    [
      { title: 'DESTINATION', cell: ({ destination }) => destination || '(none)' },
      { title: 'CALLS', cell: ({ calls }) => calls, right: true },
      { title: 'TALKED', cell: ({ seconds }) => duration(seconds), right: true },
      ...changeColumns,
    ],
    styling,
  )
}

function callTable(rows: SimulationResult['biggest'], styling: Styling): string {
  return table(
    rows,
    [
      { title: 'CALL', cell: ({ call }) => call },
      { title: 'ACCOUNT', cell: ({ account }) => account },
      { title: 'TO', cell: ({ to }) => to },
      ...changeColumns,
    ],
    styling,
  )
}

const changeColumns = [
  { title: 'CHARGED', cell: ({ before }: Change) => money(formatAmount(before)), right: true },
  { title: 'WOULD BE', cell: ({ after }: Change) => money(formatAmount(after)), right: true },
  { title: 'CHANGE', cell: ({ before, after }: Change) => money(formatAmount(after - before)), right: true },
] as const
