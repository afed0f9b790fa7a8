/** `tollgate usage`: what accounts used, summed up or call by call. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import * as answers from '../answers.ts'
import { id, oneOf, whole } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { usageFailure } from '../context.ts'
import { fileBytes, listTexts, madeExport, texts } from '../export-file.ts'
import { rerate, type RerateOptions } from '../rerate.ts'
import { duration, money, table } from '../text.ts'
import { writeWhole } from '../whole-file.ts'

interface Period {
  readonly from?: string
  readonly to?: string
}

interface ShowOptions extends Period {
  readonly by: 'day' | 'destination' | 'user' | 'trunk' | 'direction' | 'account'
  readonly includeDescendants?: true
}

const contents = ['cdrs', 'transactions', 'usage'] as const
const formats = ['csv', 'xlsx', 'jsonl'] as const
const groups = ['day', 'destination', 'user', 'trunk', 'direction', 'account'] as const

export function addUsageCommands(program: Command, cli: Cli): void {
  const usage = program.command('usage').description('What accounts used.')
  usage
    .command('show')
    .description('Calls, minutes and charges, summed up. This month unless told otherwise.')
    .argument('<account>', 'its id', id)
    .option('--from <day>', 'first day in the zone of the account, or first instant')
    .option('--to <day>', 'last day, or last instant; included')
    .option('--by <what>', groups.join(', '), oneOf(...groups), 'day')
    .option('--include-descendants', 'with the accounts below it')
    .action((account: string, options: ShowOptions) => show(cli, account, options))
  usage
    .command('export')
    .description('Ended calls, journal entries or usage as a file; with --json as a list.')
    .argument('<account>', 'its id', id)
    .option('--from <day>', 'first day in the zone of the account, or first instant; none is the first of this month')
    .option('--to <day>', 'last day, or last instant; included')
    .option('--content <what>', contents.join(', '), oneOf(...contents), 'cdrs')
    .option('--format <form>', formats.join(', '), oneOf(...formats), 'csv')
    .option('--by <what>', `of usage: ${groups.join(', ')}`, oneOf(...groups), 'day')
    .option('--direction <way>', 'of calls: inbound or outbound', oneOf('inbound', 'outbound'))
    .option('--user <user>', 'of calls: only of this user')
    .option('--include-descendants', 'with the accounts below it')
    .option('--no-heading', 'nothing before the titles')
    .option('--output <file>', 'a file that is written whole or not at all; none is standard output')
    .action((account: string, options: ExportOptions) => exportTable(cli, account, options))
  usage
    .command('rerate')
    .description('What ended calls would cost by another tariff version, and posts the difference with --post.')
    .requiredOption('--account <account>', 'whose charges', id)
    .requiredOption('--from <day>', 'first day in the zone of the account, or first instant')
    .requiredOption('--to <day>', 'last day, or last instant; included')
    .requiredOption('--tariff <name>', 'what to price them by', id)
    .option('--tariff-version <n>', 'none is the one in force now', whole(1, 1_000_000_000))
    .option('--post', 'corrects the charges; a repeat posts nothing, and after a failure the rest')
    .option('--all', 'every call that changes, however many')
    .action((options: RerateOptions) => rerate(cli, options))
}

async function show(cli: Cli, account: string, { includeDescendants, ...rest }: ShowOptions): Promise<void> {
  const api = await cli.api()
  const query = { ...rest, ...(includeDescendants ? { includeDescendants: 'true' } : {}) }
  const { value, raw } = await api.get(`/v1/accounts/${account}/usage`, answers.usage, query)
  cli.print(raw, () => {
    const head = `${account}, ${value.from} to ${value.to} (${value.timezone})`
    if (value.items.length === 0) return `${head}\nNo calls.`
    const rows = table(
      value.items,
      [
        { title: value.by.toUpperCase(), cell: (row) => (row.key === '' ? '(none)' : row.key) },
        { title: 'CALLS', cell: (row) => row.calls, right: true },
        { title: 'TALKED', cell: (row) => duration(row.seconds), right: true },
        { title: 'BILLED', cell: (row) => duration(row.billedSeconds), right: true },
        { title: 'FROM POOLS', cell: (row) => duration(row.poolSeconds), right: true },
        { title: 'CHARGE', cell: (row) => money(row.charge, row.currency), right: true },
      ],
      cli.context,
    )
    return `${head}\n${rows}`
  })
}

interface ExportOptions extends Period {
  readonly content: 'cdrs' | 'transactions' | 'usage'
  readonly format: 'csv' | 'xlsx' | 'jsonl'
  readonly by: ShowOptions['by']
  readonly direction?: 'inbound' | 'outbound'
  readonly user?: string
  readonly includeDescendants?: true
  readonly heading: boolean
  readonly output?: string
}

async function exportTable(cli: Cli, account: string, { output, ...asked }: ExportOptions): Promise<void> {
  if (output === undefined && asked.format === 'xlsx') throw usageFailure('a workbook needs a file: say --output')
  // As a list it is one document.
  const isList = output === undefined && cli.isJson()
  const order = isList ? { ...asked, format: 'jsonl', heading: false } : asked
  const api = await cli.api()
  const made = await madeExport(cli, { api, account, order })
  const bytes = fileBytes(api, made.href)
  if (output === undefined) {
    for await (const text of isList ? listTexts(bytes) : texts(bytes)) cli.context.out(text)
  } else {
    const file = resolve(cli.context.source.cwd, output)
    await writeWhole(file, bytes)
    if (cli.isJson()) cli.print({ ...made, file }, () => '')
    else cli.note(`Written to ${file}.`)
  }
  await api.delete(`/v1/accounts/${account}/exports/${made.id}`, answers.anything)
}
