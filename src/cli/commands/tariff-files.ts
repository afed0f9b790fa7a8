/** `tollgate tariff check`, `import` and `export`: price books from files and to files. */
import type { Command } from 'commander'
import { id, whole } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { CliFailure, exitCodes } from '../context.ts'
import { addDeckOptions, type DeckOptions } from '../deck-options.ts'
import { addVersionOptions, checkVersionOptions, makeVersion, type VersionOptions } from '../new-version.ts'
import { Progress } from '../progress.ts'
import { exportTariff } from '../tariff-export.ts'
import {
  type DeckFacts,
  type InvalidSource,
  problemText,
  readTariffSource,
  type TariffSource,
} from '../tariff-source.ts'

interface ImportOptions extends DeckOptions, VersionOptions {
  readonly name: string
}

const MAX_VERSION = 1_000_000_000
const FILES = 'YAML heads, or decks: CSV, TSV, XLSX'

export function addTariffFileCommands(tariff: Command, cli: Cli): void {
  addDeckOptions(
    tariff.command('check').description('Checks tariff files; needs no daemon.').argument('<file...>', FILES),
  ).action((files: readonly string[], options: DeckOptions) => check(cli, files, options))
  const importing = tariff
    .command('import')
    .description('Makes a file the next version of a tariff. The same content again is the same version.')
    .argument('<file>', 'a YAML head, or a deck: CSV, TSV, XLSX')
    .requiredOption('--name <name>', 'the tariff', id)
    .option('--changes', 'the file has only what changes; the rest is as the version in force has it')
  addVersionOptions(addDeckOptions(importing)).action((file: string, options: ImportOptions) =>
    importFile(cli, file, options),
  )
  tariff
    .command('export')
    .description('A version as a file that can be imported again.')
    .argument('<name>', 'the tariff', id)
    .argument('[version]', 'none is the one in force', whole(1, MAX_VERSION))
    .requiredOption('--output <file>', '.csv, or .yaml for bands and steps too; written whole or not at all')
    .action((name: string, version: number | undefined, { output }: { readonly output: string }) =>
      exportTariff(cli, { name, version, output }),
    )
}

async function check(cli: Cli, files: readonly string[], options: DeckOptions): Promise<void> {
  const sources: TariffSource[] = []
  for (const file of files) sources.push(await read(cli, file, { name: 'check', ...options }))
  const failed = sources.some(({ kind }) => kind === 'invalid')
  if (failed) cli.endWith(exitCodes.failed)
  const answer = { ok: !failed, files: sources.map(checkJson) }
  cli.print(answer, () => sources.map(checkText).join('\n'))
}

function checkJson(source: TariffSource): object {
  const { file } = source
  if (source.kind === 'invalid') return { file, ok: false, problems: source.problems, found: source.found }
  const { head, rows, deck } = source
  return { file, ok: true, rates: rows.length, currency: head.currency, problems: [], ...(deck ? factsOf(deck) : {}) }
}

function checkText(source: TariffSource): string {
  if (source.kind === 'invalid') return invalidText(source)
  const { file, head, rows, deck } = source
  const good = `${file}: good, ${rows.length} rates in ${head.currency}`
  return [good, ...(deck ? factLines(deck).map((line) => `  ${line}`) : [])].join('\n')
}

function invalidText({ problems, found }: InvalidSource): string {
  const more = found - problems.length
  return [...problems.map(problemText), ...(more > 0 ? [`… and ${more} more; --max-problems shows more`] : [])].join(
    '\n',
  )
}

/** How a deck was understood, for programs. */
function factsOf({ form, closed, leftOut, repeated }: DeckFacts): object {
  const { form: file, titleRow, columns, unused, effectiveFrom } = form
  const effective = effectiveFrom === undefined ? {} : { effectiveFrom }
  return { deck: { ...file, titleRow, columns, unused, closed: closed.length, leftOut, repeated, ...effective } }
}

/** What a person should look at; nothing for a file that is all rates. */
function factLines({ form, closed, leftOut, repeated }: DeckFacts): readonly string[] {
  return [
    ...(form.unused.length > 0 ? [`not used: ${someOf(form.unused)}`] : []),
    ...(form.effectiveFrom === undefined ? [] : [`effective from ${form.effectiveFrom}`]),
    ...(closed.length > 0 ? [`${closed.length} codes are taken away`] : []),
    ...(repeated > 0 ? [`${repeated} rates are the same as one before them, and stand once`] : []),
    ...(leftOut.count > 0 ? [`${leftOut.count} rows are no rates: ${leftOut.first.join('; ')}`] : []),
  ]
}

const TITLES_SHOWN = 20

function someOf(titles: readonly string[]): string {
  const more = titles.length - TITLES_SHOWN
  return `${titles.slice(0, TITLES_SHOWN).join(', ')}${more > 0 ? `, and ${more} more` : ''}`
}

async function read(cli: Cli, file: string, options: DeckOptions & { readonly name: string }): Promise<TariffSource> {
  const settings = await cli.readSettings()
  const usualCurrency = settings.kind === 'read' ? settings.settings.defaults.currency : 'USD'
  const { name, currency, timezone, map = [], dates, dash, decimal, perSecond, unpriced, sheet, maxProblems } = options
  const columns = { mappings: map, dates, dash, decimal, perSecond, unpriced, sheet }
  const deck = { ...columns, currency, usualCurrency, zone: timezone ?? 'UTC' }
  const progress = new Progress(cli.context, `reading ${file}`)
  try {
    const rules = { name, cwd: cli.context.source.cwd, timezone, deck, maxProblems }
    return await readTariffSource(file, { ...rules, progress: (done) => progress.at(done) })
  } finally {
    progress.end()
  }
}

async function importFile(cli: Cli, file: string, options: ImportOptions): Promise<void> {
  checkVersionOptions(options)
  const source = await read(cli, file, options)
  if (source.kind === 'invalid') throw invalidFile(source)
  const { head, rows, deck } = source
  for (const line of deck ? factLines(deck) : []) cli.note(line)
  const book = { head: { ...head, name: options.name }, rows }
  await makeVersion(cli, { book, ...(deck ? { closed: deck.closed, facts: factsOf(deck) } : {}) }, options)
}

function invalidFile(source: InvalidSource): CliFailure {
  const told = invalidText(source).replace(/^/gm, '  ')
  return new CliFailure({ code: 'tariff_invalid', message: `the tariff is not valid:\n${told}` })
}
