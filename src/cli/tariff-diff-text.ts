/** A difference of tariffs for people. */
import { changeKinds, type DiffRate, type RateChange, type TariffDiff } from './tariff-diff.ts'
import { money, type Styling, table } from './text.ts'

/** More lines than anybody reads; the counts tell the rest. */
const MAX_LINES = 50

export function diffText({ counts, changes }: TariffDiff, all: boolean, styling: Styling): string {
  const summary = [...changeKinds, 'unchanged' as const].map((kind) => `${counts[kind]} ${kind}`).join(', ')
  const shown = all ? changes : changes.slice(0, MAX_LINES)
  const more = changes.length - shown.length
  const lines = shown.length === 0 ? [] : ['', changesTable(shown, styling)]
  return [summary, ...lines, ...(more > 0 ? [`… and ${more} more; --all shows them`] : [])].join('\n')
}

function changesTable(changes: readonly RateChange[], styling: Styling): string {
  return table(
    changes,
    [
      { title: 'CHANGE', cell: ({ change }) => change },
      { title: 'PREFIX', cell: ({ prefix }) => prefix },
      { title: 'DESTINATION', cell: ({ destination }) => destination },
      { title: 'DIRECTION', cell: ({ direction }) => direction },
      { title: 'BEFORE', cell: ({ before }) => priceText(before), right: true },
      { title: 'AFTER', cell: ({ after }) => priceText(after), right: true },
    ],
    styling,
  )
}

function priceText(rate: DiffRate | undefined): string | undefined {
  if (!rate) return undefined
  return rate.blocked ? 'blocked' : money(rate.perMinute)
}
