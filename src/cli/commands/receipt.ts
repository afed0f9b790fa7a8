/** `tollgate receipt`: receipts of payments. */
import type { Command } from 'commander'
import * as answers from '../answers.ts'
import { id } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { fields, instant, money } from '../text.ts'

export function addReceiptCommands(program: Command, cli: Cli): void {
  const receipt = program.command('receipt').description('Receipts of payments.')
  receipt
    .command('list')
    .description('The receipts of an account.')
    .argument('<account>', 'its id', id)
    .action((account: string) => list(cli, account))
  receipt
    .command('show')
    .description('One receipt.')
    .argument('<account>', 'its id', id)
    .argument('<receipt>', 'its number, such as acme-7')
    .action((account: string, number: string) => show(cli, account, number))
  receipt
    .command('resend')
    .description('Sends a receipt once more, to who bought or to another address.')
    .argument('<account>', 'its id', id)
    .argument('<receipt>', 'its number, such as acme-7')
    .option('--to <address>', 'another address')
    .option('--key <text>', 'Idempotency-Key: the same key again sends nothing')
    .action((account: string, number: string, options: ResendOptions) => resend(cli, pathOf(account, number), options))
}

/** The mail server may take its time. */
const RESEND_DEADLINE_MS = 120_000

interface ResendOptions {
  readonly to?: string
  readonly key?: string
}

function pathOf(account: string, receipt: string): string {
  return `/v1/accounts/${account}/receipts/${encodeURIComponent(receipt)}`
}

async function list(cli: Cli, account: string): Promise<void> {
  const api = await cli.api()
  const { rows, raw } = await api.list(`/v1/accounts/${account}/receipts`, answers.pageOf(answers.receipt))
  cli.printList({ rows, raw, none: 'No receipts.' }, [
    { title: 'RECEIPT', cell: (row) => row.receipt },
    { title: 'PAID', cell: (row) => instant(row.paidAt) },
    { title: 'BOUGHT', cell: (row) => row.kind },
    { title: 'AMOUNT', cell: (row) => money(row.amount, row.currency) },
    { title: 'CARD', cell: (row) => row.card },
    { title: 'BUYER', cell: (row) => row.buyer },
  ])
}

async function show(cli: Cli, account: string, number: string): Promise<void> {
  const { value, raw } = await (await cli.api()).get(pathOf(account, number), answers.receipt)
  cli.print(raw, () =>
    fields([
      ['receipt', value.receipt],
      ['bought', value.kind],
      ['amount', money(value.amount, value.currency)],
      ['card', value.card],
      ['paid', instant(value.paidAt)],
      ['buyer', value.buyer],
      ['payment', value.payment],
    ]),
  )
}

async function resend(cli: Cli, path: string, { to, key = cli.context.ids() }: ResendOptions): Promise<void> {
  const body = to === undefined ? {} : { to }
  const api = await cli.api()
  const { value, raw } = await api.post(`${path}/resend`, answers.resent, {
    body,
    idempotencyKey: key,
    deadlineMs: RESEND_DEADLINE_MS,
  })
  cli.print(raw, () => `Sent ${value.receipt} to ${value.to.join(', ')}.`)
}
