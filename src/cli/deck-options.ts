/** Options of commands that read a carrier's deck. */
import { type Command, InvalidArgumentError } from 'commander'
import { type Dash, dashes } from '../decks/codes.ts'
import { type DeckField, deckFields } from '../decks/columns.ts'
import { type DateOrder, dateOrders } from '../decks/dates.ts'
import type { Mapping } from '../decks/layout.ts'
import { oneOf, timezone, whole } from './arguments.ts'

export interface DeckOptions {
  readonly currency?: string
  readonly timezone?: string
  readonly map?: readonly Mapping[]
  readonly dates?: DateOrder
  readonly dash?: Dash
  readonly decimal?: 'comma' | 'point'
  readonly perSecond?: true
  readonly unpriced?: 'refuse' | 'block' | 'skip'
  readonly sheet?: string
  readonly maxProblems: number
}

const MAX_PROBLEMS = 10_000

export function addDeckOptions(command: Command): Command {
  return command
    .option('--currency <code>', 'of a deck that does not say; none is that of the settings')
    .option('--timezone <zone>', 'of the days of a deck', timezone)
    .option('--map <column=field>', 'what a column is, by its title or number; may be repeated', mapping)
    .option('--dates <order>', 'how 01/12/2026 is read: dmy, mdy or ymd', oneOf(...dateOrders))
    .option('--dash <what>', 'how the code 44-47 is read: range (44 to 47) or area (4447)', oneOf(...dashes))
    .option('--decimal <mark>', 'of prices: comma or point', oneOf('comma', 'point'))
    .option('--per-second', 'prices are of a second')
    .option('--unpriced <what>', 'rows without a price: refuse, block or skip', oneOf('refuse', 'block', 'skip'))
    .option('--sheet <name>', 'of a workbook')
    .option('--max-problems <n>', 'told at most', whole(1, MAX_PROBLEMS), 100)
}

function mapping(text: string, before: readonly Mapping[] = []): readonly Mapping[] {
  const at = text.lastIndexOf('=')
  const field = text.slice(at + 1).trim()
  const known = deckFields.find((name): name is DeckField => name === field)
  if (at < 1 || known === undefined) {
    throw new InvalidArgumentError(`It must be a title or number, "=", and one of ${deckFields.join(', ')}.`)
  }
  return [...before, { column: text.slice(0, at).trim(), field: known }]
}
