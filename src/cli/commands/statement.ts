/** `tollgate statement`: what accounts were charged and owe. */
import type { Command } from 'commander'
import type { z } from 'zod'
import * as answers from '../answers.ts'
import * as statementAnswers from '../statement-answers.ts'
import { id } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { duration, fields, money, table } from '../text.ts'

interface Period {
  readonly from?: string
  readonly to?: string
}

export function addStatementCommands(program: Command, cli: Cli): void {
  const statement = program.command('statement').description('What accounts were charged and owe.')
  statement
    .command('show')
    .description('Total due, monthly charges by class, per-minute use, credits. This month unless told otherwise.')
    .argument('<account>', 'its id', id)
    .option('--from <day>', 'first day in the zone of the account, or first instant')
    .option('--to <day>', 'last day, or last instant; included')
    .action((account: string, period: Period) => show(cli, account, period))
  statement
    .command('list')
    .description('The same in one line for the account and each account below it.')
    .argument('<account>', 'its id', id)
    .option('--from <day>', 'first day in the zone of the account, or first instant')
    .option('--to <day>', 'last day, or last instant; included')
    .action((account: string, period: Period) => list(cli, account, period))
}

async function show(cli: Cli, account: string, period: Period): Promise<void> {
  const api = await cli.api()
  const { value, raw } = await api.get(`/v1/accounts/${account}/statement`, statementAnswers.statement, { ...period })
  cli.print(raw, () => statementText(cli, value))
}

type Statement = z.output<typeof statementAnswers.statement>

function statementText({ context }: Cli, value: Statement): string {
  const { account, from, to, timezone, currency, usage, charges, items, hasMoreItems } = value
  const show = (amount: string): string | undefined => money(amount, currency)
  const lines = fields([
    ['total due', show(value.totalDue)],
    ['due on', value.dueDate],
    ['opening', show(value.opening)],
    ...charges.map((charge): [string, string | undefined] => [charge.class, show(charge.amount)]),
    ['calls', `${show(value.calls) ?? ''} (${usage.calls} calls, ${duration(usage.billedSeconds) ?? ''} billed)`],
    ['credits', show(value.credits)],
    ['payments', show(value.payments)],
    ['closing', show(value.closing)],
  ])
  const head = `${account}, ${from} to ${to} (${timezone})\n${lines}`
  if (items.length === 0) return head
  const rows = table(
    items,
    [
      { title: 'AT', cell: ({ at }) => at },
      { title: 'WHAT', cell: ({ what }) => what },
      { title: 'CLASS', cell: (item) => item.class ?? '' },
      { title: 'WHY', cell: ({ why }) => why ?? '' },
      { title: 'CHARGED', cell: ({ charge }) => (charge === undefined ? '' : show(charge)), right: true },
      { title: 'AMOUNT', cell: ({ amount }) => show(amount), right: true },
    ],
    context,
  )
  return `${head}\n\n${rows}${hasMoreItems ? '\n… and more, among the transactions' : ''}`
}

async function list(cli: Cli, account: string, period: Period): Promise<void> {
  const api = await cli.api()
  const place = `/v1/accounts/${account}/statements`
  const found = await api.list(place, answers.pageOf(statementAnswers.accountTotals), { query: { ...period } })
  const rows = found.rows.map((row) => statementAnswers.accountTotals.parse(row))
  cli.printList({ ...found, rows, none: 'No accounts.' }, [
    { title: 'ACCOUNT', cell: (row) => row.account },
    { title: 'MONTHLY', cell: (row) => money(row.monthly), right: true },
    { title: 'CALLS', cell: (row) => money(row.calls), right: true },
    { title: 'CREDITS', cell: (row) => money(row.credits), right: true },
    { title: 'TOTAL', cell: (row) => money(row.total), right: true },
    { title: 'PAYMENTS', cell: (row) => money(row.payments), right: true },
  ])
}
