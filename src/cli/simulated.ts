/** The calls of the last days priced with another version, asked of the API. */
import { formatInstant, parseInstant } from '../base/time.ts'
import { Simulation } from '../usage/simulation.ts'
import { endedCalls } from './call-source.ts'
import type { Cli } from './cli.ts'
import { compiled } from './compiled-book.ts'
import { Progress } from './progress.ts'
import type { SimulationFacts } from './simulation-text.ts'
import { bookOf } from './tariff-api.ts'

const WEEK_MS = 7 * 86_400_000

export interface SimulationAsked {
  readonly name: string
  readonly version: number
  /** Days or instants; none is the last week. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly account?: readonly string[] | undefined
  /** As if the calls were made in the weeks from then. */
  readonly at?: string | undefined
}

export async function simulated(cli: Cli, asked: SimulationAsked): Promise<SimulationFacts> {
  const api = await cli.api()
  const nowMs = cli.context.clock.nowMs()
  const { name, version, account = [], at } = asked
  const { from = formatInstant(nowMs - WEEK_MS), to = formatInstant(nowMs) } = asked
  const book = await bookOf(api, name, version)
  const tariff = compiled(book)
  const own = new Map([[version, tariff]])
  const simulation = new Simulation({
    version: tariff,
    laterMs: laterMs(at, from),
    async own(number) {
      const known = own.get(number) ?? compiled(await bookOf(api, name, number))
      return own.set(number, known).get(number)
    },
  })
  const progress = new Progress(cli.context, 'pricing calls')
  try {
    const calls = { tariff: name, accounts: account, from, to, progress: (done: number) => progress.at(done) }
    for await (const call of endedCalls(api, calls)) await simulation.add(call)
  } finally {
    progress.end()
  }
  return { name, version, from, to, currency: book.head.currency, result: simulation.result() }
}

/** Whole weeks, so that hours and days of the week stay what they were. */
function laterMs(at: string | undefined, from: string): number {
  if (at === undefined) return 0
  const [atMs = 0, fromMs = 0] = [parseInstant(at), parseInstant(from.length > 10 ? from : `${from}T00:00:00Z`)]
  return Math.max(0, Math.ceil((atMs - fromMs) / WEEK_MS)) * WEEK_MS
}
