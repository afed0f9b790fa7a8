/** `tollgate payment-methods`, `payments`: cards, and what they were charged. */
import type { Command } from 'commander'
import { pageOf } from '../answers.ts'
import * as answers from '../payment-answers.ts'
import { id, positiveAmount, whole } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../context.ts'
import { duration, fields, instant, money } from '../text.ts'

export function addPaymentCommands(program: Command, cli: Cli): void {
  addCards(program, cli)
  addPayments(program, cli)
}

interface CardOptions {
  readonly recurring?: boolean
  readonly email?: string
  readonly name?: string
  readonly key?: string
}

function addCards(program: Command, cli: Cli): void {
  const cards = program.command('payment-methods').description('Cards on file.')
  const account = ['<account>', 'its id', id] as const
  cards
    .command('list')
    .description('Lists the cards on file.')
    .argument(...account)
    .action((of: string) => listCards(cli, of))
  cards
    .command('add')
    .description("Puts a card on file, by the token of the provider's form; never by its number.")
    .argument(...account)
    .argument('<token>', 'such as pm_… or, in the sandbox, tok_success')
    .option('--recurring', 'it pays what recurs from now on')
    .option('--name <text>', 'whom to ask about its bills')
    .option('--email <text>', 'likewise, by mail')
    .option('--key <text>', 'Idempotency-Key: the same key again adds no second card')
    .action((of: string, token: string, options: CardOptions) => addCard(cli, { of, token }, options))
  cards
    .command('default')
    .description('Has a card pay what recurs.')
    .argument(...account)
    .argument('<card>', 'its id', id)
    .action(async (of: string, card: string) => {
      const api = await cli.api()
      const path = `/v1/accounts/${of}/payment-methods/${card}`
      printCard(cli, await api.send('PATCH', path, { schema: answers.card, body: { recurring: true } }))
    })
  cards
    .command('remove')
    .description('Takes a card from file.')
    .argument(...account)
    .argument('<card>', 'its id', id)
    .action(async (of: string, card: string) => {
      const api = await cli.api()
      const left = await api.delete(`/v1/accounts/${of}/payment-methods/${card}`, pageOf(answers.card))
      cli.print(left.raw, () => `Removed; ${left.value.items.length} left.`)
    })
}

async function listCards(cli: Cli, account: string): Promise<void> {
  const api = await cli.api()
  const { value, raw } = await api.get(`/v1/accounts/${account}/payment-methods`, pageOf(answers.card))
  const items = (raw as { readonly items: readonly unknown[] }).items
  cli.printList({ rows: value.items, raw: items, none: 'No card is on file.' }, [
    { title: 'CARD', cell: (row) => row.id },
    { title: 'BRAND', cell: (row) => row.brand },
    { title: 'LAST FOUR', cell: (row) => row.last4 },
    { title: 'EXPIRES', cell: (row) => row.expires },
    { title: 'RECURRING', cell: (row) => (row.recurring ? 'yes' : '') },
  ])
}

async function addCard(
  cli: Cli,
  { of, token }: { readonly of: string; readonly token: string },
  { recurring = false, name, email, key = cli.context.ids() }: CardOptions,
): Promise<void> {
  const api = await cli.api()
  const contact = { ...(name === undefined ? {} : { name }), ...(email === undefined ? {} : { email }) }
  const body = { token, recurring, ...(Object.keys(contact).length > 0 ? { contact } : {}) }
  printCard(cli, await api.post(`/v1/accounts/${of}/payment-methods`, answers.card, { body, idempotencyKey: key }))
}

function printCard(cli: Cli, { value, raw }: { readonly value: answers.Card; readonly raw: unknown }): void {
  cli.print(raw, () =>
    fields([
      ['card', value.id],
      ['brand', `${value.brand} ${value.last4}`],
      ['expires', value.expires],
      ['pays what recurs', value.recurring ? 'yes' : 'no'],
    ]),
  )
}

export interface BuyOptions {
  readonly confirm?: string
  readonly yes?: boolean
  readonly card?: string
  readonly buyer?: string
  readonly key?: string
}

/** The options of whatever is bought: first it is reviewed, then confirmed. */
export function buying(command: Command): Command {
  return command
    .option('--yes', 'confirms at once, without a review')
    .option('--confirm <order>', 'confirms what was reviewed', id)
    .option('--card <id>', 'card on file; none is the one that pays what recurs', id)
    .option('--buyer <mail>', 'staff member who buys, and gets the receipt')
    .option('--key <text>', 'Idempotency-Key of the confirmation')
}

export async function buyGoods(
  cli: Cli,
  { account, goods }: { readonly account: string; readonly goods: object },
  { confirm, yes = false, card, buyer, key = cli.context.ids() }: BuyOptions,
): Promise<void> {
  const api = await cli.api()
  const by = buyer === undefined ? {} : { buyer }
  let order = confirm
  if (order === undefined) {
    const reviewed = await api.post(`/v1/accounts/${account}/orders`, answers.order, { body: { ...goods, ...by } })
    order = reviewed.value.order
    if (!yes) return printOrder(cli, reviewed)
  }
  const body = { ...by, ...(card === undefined ? {} : { card }) }
  const path = `/v1/accounts/${account}/orders/${order}/confirm`
  printPayment(cli, await api.post(path, answers.payment, { body, idempotencyKey: key }))
}

function printOrder(cli: Cli, { value, raw }: { readonly value: answers.Order; readonly raw: unknown }): void {
  const { order, amount, currency, minutes, recurring, expiresAt } = value
  cli.print(raw, () =>
    fields([
      ['order', order],
      ['costs', money(amount, currency)],
      ...(minutes ? ([['minutes', duration(minutes.seconds)]] as const) : []),
      ...(recurring ? ([['bought again', 'with each cycle']] as const) : []),
      ['until', instant(expiresAt)],
      ['to buy', `say it again with --confirm ${order}`],
    ]),
  )
}

/** A card that declines is a refusal; what is not known yet is a failure that may pass. */
export function printPayment(
  cli: Cli,
  { value, raw }: { readonly value: answers.Payment; readonly raw: unknown },
): void {
  if (value.state === 'failed') cli.endWith(exitCodes.refused)
  else if (value.state !== 'succeeded') cli.endWith(exitCodes.failed)
  cli.print(raw, () =>
    fields([
      ['payment', value.payment],
      ['state', value.reason === undefined ? value.state : `${value.state}: ${value.reason}`],
      ['amount', money(value.amount, value.currency)],
      ['paid back', money(value.refunded, value.currency)],
      ['card', `${value.card.brand} ${value.card.last4}`],
      ['receipt', value.receipt ?? ''],
    ]),
  )
}

interface RefundOptions {
  readonly amount?: string
  readonly key?: string
}

function addPayments(program: Command, cli: Cli): void {
  const payments = program.command('payments').description('What cards were charged.')
  payments
    .command('list')
    .description('Lists the payments of an account, newest first.')
    .argument('<account>', 'its id', id)
    .option('--limit <n>', 'at most so many', whole(1, 100_000))
    .action((account: string, { limit }: { readonly limit?: number }) => listPayments(cli, account, limit))
  payments
    .command('show')
    .description('Shows one payment.')
    .argument('<account>', 'its id', id)
    .argument('<payment>', 'its id', id)
    .action(async (account: string, payment: string) => {
      const api = await cli.api()
      const shown = await api.get(`/v1/accounts/${account}/payments/${payment}`, answers.payment)
      printPayment(cli, shown)
      cli.endWith(exitCodes.done)
    })
  payments
    .command('refund')
    .description('Pays a payment back to its card, whole or in part.')
    .argument('<account>', 'its id', id)
    .argument('<payment>', 'its id', id)
    .option('--amount <amount>', 'all that is left when it is not said', positiveAmount)
    .option('--key <text>', 'Idempotency-Key: the same key again pays nothing back')
    .action(async (account: string, payment: string, { amount, key = cli.context.ids() }: RefundOptions) => {
      const api = await cli.api()
      const body = amount === undefined ? {} : { amount }
      const path = `/v1/accounts/${account}/payments/${payment}/refund`
      printPayment(cli, await api.post(path, answers.payment, { body, idempotencyKey: key }))
    })
}

async function listPayments(cli: Cli, account: string, limit: number | undefined): Promise<void> {
  const api = await cli.api()
  const listing = limit === undefined ? {} : { limit }
  const listed = await api.list(`/v1/accounts/${account}/payments`, pageOf(answers.payment), listing)
  cli.printList({ ...listed, none: 'No payments.' }, [
    { title: 'OPENED', cell: (row) => instant(row.openedAt) },
    { title: 'PAYMENT', cell: (row) => row.payment },
    { title: 'KIND', cell: (row) => row.kind },
    { title: 'AMOUNT', cell: (row) => money(row.amount, row.currency), right: true },
    { title: 'STATE', cell: (row) => row.state },
    { title: 'RECEIPT', cell: (row) => row.receipt ?? '' },
  ])
}
