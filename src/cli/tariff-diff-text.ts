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
      { title: 'BEFORE', cell: ({ change, before }) => rateText(change, before), right: true },
      { title: 'AFTER', cell: ({ change, after }) => rateText(change, after), right: true },
    ],
    styling,
  )
}

/** The price of a minute; where that stays, what else the rate says. */
function rateText(change: RateChange['change'], rate: DiffRate | undefined): string | undefined {
  if (!rate) return undefined
  if (rate.blocked) return 'blocked'
  const price = money(rate.perMinute)
  return change === 'terms' ? [price, ...termsOf(rate)].join(' ') : price
}

function termsOf(rate: DiffRate): readonly string[] {
  const { connectFee, minimumSeconds, noChargeSeconds, validUntil } = rate
  const said = (text: string, value: unknown): readonly string[] => (isSaid(value) ? [text] : [])
  return [
    `${rate.firstIncrement ?? 60}/${rate.nextIncrement ?? 60}`,
    ...said(`+${money(connectFee) ?? ''}`, Number(connectFee)),
    ...said(`least ${minimumSeconds} s`, minimumSeconds),
    ...said(`free to ${noChargeSeconds} s`, noChargeSeconds),
    ...said(`until ${validUntil}`, validUntil),
    ...said('bands', rate.bands),
    ...said('steps', rate.steps),
  ]
}

function isSaid(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value)
}
