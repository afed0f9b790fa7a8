/** `tollgate storage`: what accounts store, and what that costs. */
import type { Command } from 'commander'
import type { z } from 'zod'
import * as statementAnswers from '../statement-answers.ts'
import { day, id, whole } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { fields, instant, money, table } from '../text.ts'

export function addStorageCommands(program: Command, cli: Cli): void {
  const storage = program.command('storage').description('What accounts store, and the monthly fee for it.')
  storage
    .command('report')
    .description('Says how much an account stores on a day; the last word for a day counts, until the month is billed.')
    .argument('<account>', 'its id', id)
    .argument('<bytes>', 'stored on that day', whole(0, MOST_BYTES))
    .requiredOption('--day <day>', 'such as 2026-11-14, in the zone of the account', day)
    .action((account: string, bytes: number, options: { readonly day: string }) =>
      report(cli, { account, bytes, day: options.day }),
    )
  storage
    .command('show')
    .description('What an account stores, month by month, and what that costs.')
    .argument('<account>', 'its id', id)
    .action((account: string) => show(cli, account))
}

const MOST_BYTES = 999_999_999_999_999

interface Report {
  readonly account: string
  readonly bytes: number
  readonly day: string
}

async function report(cli: Cli, { account, bytes, day: on }: Report): Promise<void> {
  const api = await cli.api()
  const { value, raw } = await api.put(`/v1/accounts/${account}/storage/${on}`, statementAnswers.storageMonth, {
    bytes,
  })
  cli.print(raw, () =>
    fields([
      ['reported', `${bytes} bytes on ${on}`],
      ['month', `${value.month}: ${value.measuredBytes} bytes so far`],
      ['fee so far', money(value.fee)],
      ['billed at', instant(value.closesAt)],
    ]),
  )
}

async function show(cli: Cli, account: string): Promise<void> {
  const api = await cli.api()
  const { value, raw } = await api.get(`/v1/accounts/${account}/storage`, statementAnswers.storage)
  cli.print(raw, () => storageText(cli, value))
}

function storageText({ context }: Cli, value: z.output<typeof statementAnswers.storage>): string {
  const { account, currency, timezone, terms, months } = value
  const head = `${account} (${timezone})\n${termsText(terms, currency)}`
  if (months.length === 0) return `${head}\nNothing was reported.`
  const rows = table(
    months,
    [
      { title: 'MONTH', cell: ({ month }) => month },
      { title: 'STATE', cell: ({ state }) => state },
      { title: 'BYTES', cell: ({ measuredBytes }) => measuredBytes, right: true },
      { title: 'UNITS', cell: ({ units }) => units, right: true },
      { title: 'FEE', cell: ({ fee }) => money(fee, currency), right: true },
      { title: 'REPORTED UNTIL', cell: ({ closesAt }) => instant(closesAt) },
    ],
    context,
  )
  const reasons = months.flatMap(({ why }) => (why === undefined ? [] : [why]))
  return [head, '', rows, ...(reasons.length === 0 ? [] : ['', ...reasons])].join('\n')
}

function termsText(terms: z.output<typeof statementAnswers.storage>['terms'], currency: string): string {
  if (!terms) return 'Storage costs nothing.'
  const { price, unitBytes, thresholdBytes, charged, measure } = terms
  return fields([
    ['free up to', `${thresholdBytes} bytes`],
    ['price', `${money(price, currency) ?? ''} a month for each ${unitBytes} bytes of ${partWords(charged)}`],
    ['measure', measure],
  ])
}

function partWords(charged: string): string {
  return charged === 'above' ? 'what is above' : 'all, where it is above'
}
