/** `tollgate tariff simulate`, `margin` and `derive`: what prices do before they are in force. */
import type { Command } from 'commander'
import { formatAmount } from '../../base/money.ts'
import { parseInstant } from '../../base/time.ts'
import { id, instantText, whole, words } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { CliFailure, exitCodes } from '../context.ts'
import { decimals, derivedRows, markups, type Markups } from '../derive.ts'
import { addVersionOptions, checkVersionOptions, makeVersion, type VersionOptions } from '../new-version.ts'
import { activeVersion, bookOf } from '../tariff-api.ts'
import { marginsOf, marginText } from '../tariff-margin.ts'
import { simulated } from '../simulated.ts'
import { simulationJson, simulationText } from '../simulation-text.ts'

const MAX_VERSION = 1_000_000_000
const one = whole(1, MAX_VERSION)

export function addTariffTrialCommands(tariff: Command, cli: Cli): void {
  tariff
    .command('simulate')
    .description("Prices the last week's calls with another version; changes nothing.")
    .argument('<name>', 'the tariff that the calls were charged by', id)
    .argument('<version>', 'the version to price them with', one)
    .option('--from <day>', 'first day or instant; none is a week ago')
    .option('--to <day>', 'last day or instant; included')
    .option('--account <ids>', 'only these, separated by commas', words)
    .option('--at <instant>', 'as if the calls were made in the weeks from then; none is as they were', instantText)
    .option('--all', 'every destination, however many')
    .action((name: string, version: number, options: SimulateOptions) => simulate(cli, { name, version }, options))
  tariff
    .command('margin')
    .description('Prices that are below their cost; fails when there are any.')
    .argument('<price>', 'the tariff that is sold by', id)
    .argument('<cost>', 'the tariff that is bought by', id)
    .option('--price-version <n>', 'none is the one in force', one)
    .option('--cost-version <n>', 'none is the one in force', one)
    .option('--least <percent>', 'by how much a price must be above its cost', whole(0, 1000), 0)
    .option('--at <instant>', 'prices of then; none is now', instantText)
    .option('--all', 'every prefix, however many')
    .action((price: string, cost: string, options: MarginOptions) => margin(cli, { price, cost }, options))
  addVersionOptions(
    tariff
      .command('derive')
      .description('Makes a version of prices from the costs of another tariff.')
      .argument('<name>', 'the tariff of prices', id)
      .requiredOption('--from <tariff>', 'the tariff of costs', id)
      .option('--from-version <n>', 'none is the one in force', one)
      .requiredOption('--markup <[prefix=]percent>', 'onto the cost; of the longest prefix; may be repeated', markups)
      .option('--round <decimals>', 'up, to so many', decimals, 4),
  ).action((name: string, options: DeriveOptions) => derive(cli, name, options))
}

interface SimulateOptions {
  readonly from?: string
  readonly to?: string
  readonly account?: readonly string[]
  readonly at?: string
  readonly all?: true
}

async function simulate(
  cli: Cli,
  { name, version }: { readonly name: string; readonly version: number },
  options: SimulateOptions,
): Promise<void> {
  const facts = await simulated(cli, { name, version, ...options })
  cli.print(simulationJson(facts), () => simulationText(facts, options.all === true, cli.context))
}

interface MarginOptions {
  readonly priceVersion?: number
  readonly costVersion?: number
  readonly least: number
  readonly at?: string
  readonly all?: true
}

async function margin(
  cli: Cli,
  names: { readonly price: string; readonly cost: string },
  options: MarginOptions,
): Promise<void> {
  const price = await bookInForce(cli, names.price, options.priceVersion)
  const cost = await bookInForce(cli, names.cost, options.costVersion)
  if (price.head.currency !== cost.head.currency) {
    const message = `prices are in ${price.head.currency}, costs in ${cost.head.currency}`
    throw new CliFailure({ code: 'currency_mismatch', message }, { exitCode: exitCodes.refused })
  }
  const atMs = options.at === undefined ? cli.context.clock.nowMs() : (parseInstant(options.at) ?? 0)
  const found = marginsOf({ price, cost }, { atMs, leastPerMille: options.least * 10 })
  if (found.below.length > 0 || found.noCost.length > 0) cli.endWith(exitCodes.failed)
  const below = found.below.map((row) => ({ ...row, price: formatAmount(row.price), cost: formatAmount(row.cost) }))
  const answer = { ...names, ok: below.length === 0 && found.noCost.length === 0, ...found, below }
  cli.print(answer, () => marginText(found, options.all === true, cli.context))
}

async function bookInForce(cli: Cli, name: string, version: number | undefined) {
  const api = await cli.api()
  const which = version ?? (await activeVersion(api, name))
  if (which !== undefined) return bookOf(api, name, which)
  throw new CliFailure({ code: 'tariff_unknown', message: `no version of tariff "${name}" is in force: say which` })
}

interface DeriveOptions extends VersionOptions {
  readonly from: string
  readonly fromVersion?: number
  readonly markup: Markups
  readonly round: number
}

async function derive(cli: Cli, name: string, options: DeriveOptions): Promise<void> {
  checkVersionOptions(options)
  const { head, rows } = await bookInForce(cli, options.from, options.fromVersion)
  const book = { head: { ...head, name }, rows: derivedRows(rows, options.markup, options.round) }
  await makeVersion(cli, { book }, options)
}
