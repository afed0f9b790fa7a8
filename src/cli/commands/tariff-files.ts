/** `tollgate tariff check` and `import`: price books from files. */
import type { Command } from 'commander'
import { formatProblem } from '../../catalog/problems.ts'
import * as answers from '../answers.ts'
import { id, instantText, timezone } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { CliFailure, exitCodes, usageFailure } from '../context.ts'
import { configFailure } from '../problems.ts'
import { diffRates, type TariffDiff } from '../tariff-diff.ts'
import { diffText } from '../tariff-diff-text.ts'
import { apiRates, readTariffSource, type TariffSource } from '../tariff-source.ts'
import { fields, instant } from '../text.ts'
import { activate, activeVersion, ratesOf } from '../tariff-api.ts'

interface CsvOptions {
  readonly currency?: string
  readonly timezone?: string
}

interface ImportOptions extends CsvOptions {
  readonly name: string
  readonly activate?: true
  readonly at?: string
  readonly dryRun?: true
}

/** Millions of rates take their time. */
const IMPORT_MS = 600_000

export function addTariffFileCommands(tariff: Command, cli: Cli): void {
  tariff
    .command('check')
    .description('Checks tariff files; needs no daemon.')
    .argument('<file...>', 'YAML heads or CSV files of rates')
    .option('--currency <code>', 'of a CSV file')
    .option('--timezone <zone>', 'of a CSV file', timezone)
    .action((files: readonly string[], options: CsvOptions) => check(cli, files, options))
  tariff
    .command('import')
    .description('Makes a file the next version of a tariff. The same content again is the same version.')
    .argument('<file>', 'a YAML head or a CSV file of rates')
    .requiredOption('--name <name>', 'the tariff', id)
    .option('--currency <code>', 'of a CSV file')
    .option('--timezone <zone>', 'of a CSV file', timezone)
    .option('--activate', 'puts it in force')
    .option('--at <instant>', 'with --activate: from then on', instantText)
    .option('--dry-run', 'only says what would change')
    .action((file: string, options: ImportOptions) => importFile(cli, file, options))
}

async function check(cli: Cli, files: readonly string[], options: CsvOptions): Promise<void> {
  const sources = await Promise.all(files.map((file) => read(cli, file, { name: 'check', ...options })))
  const failed = sources.some(({ kind }) => kind === 'invalid')
  if (failed) cli.endWith(exitCodes.failed)
  const answer = { ok: !failed, files: sources.map(checkJson) }
  cli.print(answer, () => sources.map(checkText).join('\n'))
}

function checkJson(source: TariffSource): object {
  const { file } = source
  if (source.kind === 'invalid') return { file, ok: false, problems: source.problems }
  return { file, ok: true, rates: source.rows.length, currency: source.head.currency, problems: [] }
}

function checkText(source: TariffSource): string {
  if (source.kind === 'invalid') return source.problems.map(formatProblem).join('\n')
  return `${source.file}: good, ${source.rows.length} rates in ${source.head.currency}`
}

/** A CSV file has the currency of the settings unless told otherwise. */
async function read(
  cli: Cli,
  file: string,
  { name, currency, timezone: zone }: CsvOptions & { name: string },
): Promise<TariffSource> {
  const settings = await cli.readSettings()
  const usual = settings.kind === 'read' ? settings.settings.defaults.currency : 'USD'
  const head = { name, currency: currency ?? usual, timezone: zone }
  return readTariffSource(file, cli.context.source.cwd, head)
}

async function importFile(cli: Cli, file: string, options: ImportOptions): Promise<void> {
  const { name, at } = options
  if (at !== undefined && !options.activate) throw usageFailure('--at needs --activate')
  const source = await read(cli, file, options)
  if (source.kind === 'invalid') throw invalidFile(source)
  const api = await cli.api()
  if (options.dryRun) return tryOut(cli, source, name)
  const { name: _name, ...head } = source.head
  const body = { ...head, rates: apiRates(source.rows) }
  const added = await api.post(`/v1/tariffs/${name}/versions`, answers.addedVersion, { body, deadlineMs: IMPORT_MS })
  const { version, rates, sha256 } = added.value
  const activation = options.activate ? (await activate(api, { name, version, at })).value : undefined
  cli.print({ ...(added.raw as object), ...(activation ? { from: activation.from } : {}) }, () =>
    fields([
      ['tariff', name],
      ['version', version],
      ['rates', rates],
      ['SHA-256', sha256],
      ['in force from', activation ? instant(activation.from) : 'not yet: `tollgate tariff activate`'],
    ]),
  )
}

function invalidFile({ problems }: Extract<TariffSource, { kind: 'invalid' }>): CliFailure {
  const { message } = configFailure(problems)
  return new CliFailure({ code: 'tariff_invalid', message: message.replace('the configuration', 'the tariff') })
}

async function tryOut(cli: Cli, source: Extract<TariffSource, { kind: 'read' }>, name: string): Promise<void> {
  const api = await cli.api()
  const from = await activeVersion(api, name)
  const found = diffRates(from === undefined ? [] : await ratesOf(api, name, from), source.rows)
  const answer = { name, ...(from === undefined ? {} : { from }), rates: source.rows.length, dryRun: true, ...found }
  cli.print(answer, () => tryOutText({ name, from, found, cli }))
}

function tryOutText(tried: { name: string; from: number | undefined; found: TariffDiff; cli: Cli }): string {
  const { name, from, found, cli } = tried
  const against = from === undefined ? 'no version is in force' : `against version ${from}`
  return `${name}, ${against}; nothing was changed\n${diffText(found, false, cli.context)}`
}
