/** `tollgate tariff`: price books and their versions. */
import type { Command } from 'commander'
import type { z } from 'zod'
import { formatInstant } from '../../base/time.ts'
import * as answers from '../answers.ts'
import type { Api } from '../api.ts'
import { id, instantText, whole } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { CliFailure, usageFailure } from '../context.ts'
import { instant, table } from '../text.ts'
import { addGuardOptions, type GuardOptions } from '../tariff-guards.ts'
import { activate, activeVersion, bookOf } from '../tariff-api.ts'
import { diffRates, type TariffDiff } from '../tariff-diff.ts'
import { diffText } from '../tariff-diff-text.ts'
import { simulated } from '../simulated.ts'
import { simulationJson, simulationText } from '../simulation-text.ts'
import { addTariffFileCommands } from './tariff-files.ts'
import { addTariffTrialCommands } from './tariff-trials.ts'

const MAX_VERSION = 1_000_000_000

export function addTariffCommands(program: Command, cli: Cli): void {
  const tariff = program.command('tariff').description('Tariffs: what calls cost.')
  const one = whole(1, MAX_VERSION)
  const version = { one, all: (text: string, before: readonly number[] = []) => [...before, one(text)] }
  addTariffFileCommands(tariff, cli)
  addTariffTrialCommands(tariff, cli)
  tariff
    .command('diff')
    .description('What changes between two versions: new, closed, up, down, unchanged.')
    .argument('<name>', 'the tariff', id)
    .argument('[versions...]', 'two of them; none are the one in force and the newest', version.all)
    .option('--all', 'every change, however many')
    .option('--traffic', "and what the later one makes of the last week's calls")
    .action((name: string, [from, to, ...more]: readonly number[] = [], options: DiffOptions = {}) => {
      if (more.length > 0) throw usageFailure('a difference is of two versions')
      return diff(cli, { name, from, to }, options)
    })
  const activating = tariff
    .command('activate')
    .description('Puts a version in force, on every daemon. Calls that are up keep theirs.')
    .argument('<name>', 'the tariff', id)
    .argument('<version>', 'the version', version.one)
    .option('--at <instant>', 'from then on; none is now', instantText)
  addGuardOptions(activating).action(async (name: string, number: number, options: ActivateOptions) => {
    const { value, raw } = await activate(await cli.api(), { name, version: number, ...options })
    cli.print(raw, () => `${name} version ${value.version} is in force from ${instant(value.from) ?? ''}.`)
  })
  tariff
    .command('rollback')
    .description('Puts the version that was in force before back in force, on every daemon.')
    .argument('<name>', 'the tariff', id)
    .action((name: string) => rollback(cli, name))
  tariff
    .command('list')
    .description('Every tariff; with a name, its versions.')
    .argument('[name]', 'the tariff', id)
    .action((name: string | undefined) => (name === undefined ? list(cli) : versions(cli, name)))
}

async function list(cli: Cli): Promise<void> {
  const api = await cli.api()
  const { value, raw } = await api.get('/v1/tariffs', answers.pageOf(answers.tariff))
  cli.print(raw, () => {
    if (value.items.length === 0) return 'No tariffs.'
    return table(
      value.items,
      [
        { title: 'TARIFF', cell: (row) => row.name },
        { title: 'CURRENCY', cell: (row) => row.currency },
        { title: 'VERSIONS', cell: (row) => row.versions, right: true },
        { title: 'IN FORCE', cell: (row) => row.active, right: true },
      ],
      cli.context,
    )
  })
}

interface ActivateOptions extends GuardOptions {
  readonly at?: string
}

interface DiffOptions {
  readonly all?: boolean
  readonly traffic?: boolean
}

type Version = z.output<typeof answers.tariffVersion>

async function versionsOf(api: Api, name: string) {
  return api.get(`/v1/tariffs/${name}/versions`, answers.pageOf(answers.tariffVersion))
}

async function versions(cli: Cli, name: string): Promise<void> {
  const { value, raw } = await versionsOf(await cli.api(), name)
  cli.print(raw, () =>
    table(
      value.items,
      [
        { title: 'VERSION', cell: (row) => row.version, right: true },
        { title: 'RATES', cell: (row) => row.rates, right: true },
        { title: 'CURRENCY', cell: (row) => row.currency },
        { title: 'MADE', cell: (row) => instant(row.createdAt) },
        { title: 'IN FORCE FROM', cell: (row) => row.activations.map(({ from }) => instant(from)).join(', ') },
        { title: 'SHA-256', cell: (row) => row.sha256.slice(0, 12) },
      ],
      cli.context,
    ),
  )
}

/** What was in force needs no guard rails. What is scheduled stays scheduled, and is told. */
async function rollback(cli: Cli, name: string): Promise<void> {
  const api = await cli.api()
  const { items } = (await versionsOf(api, name)).value
  const now = formatInstant(cli.context.clock.nowMs())
  const all = items.flatMap(({ activations }) => activations).toSorted((a, b) => (a.from < b.from ? -1 : 1))
  const past = all.filter(({ from }) => from <= now)
  const current = past.at(-1)?.version
  const before = past.findLast(({ version }) => version !== current)
  if (current === undefined || !before) {
    throw new CliFailure({
      code: 'tariff_unknown',
      message: `no other version of tariff "${name}" was in force before`,
    })
  }
  const { value } = await activate(api, { name, version: before.version, force: true })
  const scheduled = all.filter(({ from }) => from > now)
  cli.print({ name, from: current, to: value.version, at: value.from, scheduled }, () =>
    [
      `${name}: back from version ${current} to ${value.version}, in force from ${instant(value.from) ?? ''}.`,
      ...scheduled.map(({ version, from }) => `Version ${version} is still to come at ${instant(from) ?? ''}.`),
    ].join('\n'),
  )
}

async function diff(
  cli: Cli,
  asked: { readonly name: string; readonly from: number | undefined; readonly to: number | undefined },
  { all = false, traffic = false }: DiffOptions,
): Promise<void> {
  const api = await cli.api()
  const { name } = asked
  const known = (await versionsOf(api, name)).value.items
  const newest = known.reduce<Version | undefined>(
    (best, row) => (best && best.version > row.version ? best : row),
    undefined,
  )
  const from = asked.from ?? (await activeVersion(api, name))
  if (from === undefined) {
    throw new CliFailure({
      code: 'tariff_unknown',
      message: `no version of tariff "${name}" is in force: say which two`,
    })
  }
  const to = asked.to ?? newest?.version ?? from
  const found = await diffOf(api, name, { from, to })
  const effect = traffic ? await simulated(cli, { name, version: to }) : undefined
  cli.print({ name, from, to, ...found, ...(effect ? { traffic: simulationJson(effect) } : {}) }, () =>
    [
      `${name}: version ${from} → ${to}`,
      diffText(found, all, cli.context),
      ...(effect ? ['', simulationText(effect, all, cli.context)] : []),
    ].join('\n'),
  )
}

async function diffOf(
  api: Api,
  name: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<TariffDiff> {
  return diffRates((await bookOf(api, name, from)).rows, (await bookOf(api, name, to)).rows)
}
