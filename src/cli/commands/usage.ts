/** `tollgate usage`: what accounts used, summed up or call by call. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import * as answers from '../answers.ts'
import { id, oneOf } from '../arguments.ts'
import { cdrColumns, cdrSchema } from '../cdr-columns.ts'
import type { Cli } from '../cli.ts'
import { csvLine } from '../csv.ts'
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
    .description('Ended calls as CSV; with --json as a list.')
    .argument('<account>', 'its id', id)
    .option('--from <day>', 'first day in the zone of the account, or first instant')
    .option('--to <day>', 'last day, or last instant; included')
    .option('--output <file>', 'a file that is written whole or not at all; none is standard output')
    .action((account: string, options: Period & { readonly output?: string }) => exportCalls(cli, account, options))
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

/** Page by page, so that a year of calls needs no more memory than a day. */
async function exportCalls(
  cli: Cli,
  account: string,
  { output, ...query }: Period & { readonly output?: string },
): Promise<void> {
  const api = await cli.api()
  const pages = api.pages(`/v1/accounts/${account}/cdrs`, answers.pageOf(cdrSchema), { query })
  const texts = cli.isJson() ? jsonTexts(pages) : csvTexts(pages)
  if (output === undefined) {
    for await (const text of texts) cli.context.out(text)
    return
  }
  const file = resolve(cli.context.source.cwd, output)
  await writeWhole(file, texts)
  cli.note(`Written to ${file}.`)
}

type Pages = ReturnType<Awaited<ReturnType<Cli['api']>>['pages']>

async function* csvTexts(pages: Pages): AsyncGenerator<string> {
  let head = csvLine(cdrColumns.map(([title]) => title))
  for await (const { rows } of pages) {
    const cdrs = rows.map((row) => cdrSchema.parse(row))
    yield head + cdrs.map((cdr) => csvLine(cdrColumns.map(([, cell]) => cell(cdr)))).join('')
    head = ''
  }
}

async function* jsonTexts(pages: Pages): AsyncGenerator<string> {
  let separator = '{"items": [\n'
  for await (const { raw } of pages) {
    for (const cdr of raw) {
      yield `${separator}${JSON.stringify(cdr)}`
      separator = ',\n'
    }
  }
  yield separator.startsWith('{') ? '{"items": []}\n' : '\n]}\n'
}
