/** `tollgate bundle`, `dialer`: minutes that are bought, and what of them is bought again with each cycle. */
import type { Command } from 'commander'
import { id, positiveAmount, whole } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import * as answers from '../payment-answers.ts'
import { duration, fields, instant, money } from '../text.ts'
import { buyGoods, buying, type BuyOptions, printPayment } from './payments.ts'

const MAX_BUNDLES = 100_000

export function addMinuteCommands(program: Command, cli: Cli): void {
  const bundle = program.command('bundle').description('Bundles of minutes.')
  addBuy(bundle, cli)
  addStanding(bundle, cli)
  const dialer = program.command('dialer').description('Dialer minutes, which stay until they are used.')
  const buy = dialer
    .command('buy')
    .description('Buys dialer minutes for an amount: shows how many, and charges when that is confirmed.')
    .argument('<account>', 'its id', id)
    .argument('<amount>', 'such as 100.00', positiveAmount)
  buying(buy).action((account: string, amount: string, options: BuyOptions) =>
    buyGoods(cli, { account, goods: { kind: 'dialer', amount } }, options),
  )
}

function addBuy(bundle: Command, cli: Cli): void {
  const buy = bundle
    .command('buy')
    .description('Buys minutes, and again with each cycle: shows what they cost, and charges when that is confirmed.')
    .argument('<account>', 'its id', id)
    .argument('<bundles>', 'how many bundles', whole(1, MAX_BUNDLES))
    .option('--once', 'only for the cycle in force')
  buying(buy).action((account: string, bundles: number, { once = false, ...options }: BuyOptions & OnceOption) =>
    buyGoods(cli, { account, goods: { kind: 'bundle', bundles, ...(once ? { recurring: false } : {}) } }, options),
  )
}

interface OnceOption {
  readonly once?: boolean
}

function addStanding(bundle: Command, cli: Cli): void {
  bundle
    .command('list')
    .description('Lists the bundles that are bought again with each cycle.')
    .argument('<account>', 'its id', id)
    .action(async (account: string) => {
      const api = await cli.api()
      print(cli, await api.get(`/v1/accounts/${account}/bundles`, answers.standing))
    })
  bundle
    .command('stop')
    .description('Has bundles not bought again; the minutes of the cycle in force stay.')
    .argument('<account>', 'its id', id)
    .argument('[bundles]', 'the payment that began them; all when it is not said', id)
    .action(async (account: string, bundles: string | undefined) => {
      const api = await cli.api()
      const body = bundles === undefined ? {} : { bundles }
      print(cli, await api.post(`/v1/accounts/${account}/bundles/stop`, answers.standing, { body }))
    })
  bundle
    .command('renew')
    .description('Buys bundles again now, where the cycle in force is not paid for.')
    .argument('<account>', 'its id', id)
    .action(async (account: string) => {
      const api = await cli.api()
      printPayment(cli, await api.post(`/v1/accounts/${account}/bundles/renew`, answers.payment))
    })
}

function print(cli: Cli, { value, raw }: { readonly value: answers.Standing; readonly raw: unknown }): void {
  const { items, currency, renewsAt, payment, nextAt } = value
  const reason = payment?.reason === undefined ? '' : `: ${payment.reason}`
  cli.print(raw, () =>
    fields([
      ...items.map((item) => {
        return [item.id, `${item.bundles} for ${money(item.amount, currency)}, ${duration(item.seconds)}`] as const
      }),
      ['bought again', items.length === 0 ? 'nothing' : instant(renewsAt)],
      ...(payment ? [['last payment', `${payment.payment} ${payment.state}${reason}`] as const] : []),
      ...(nextAt === undefined ? [] : [['tried again', instant(nextAt)] as const]),
    ]),
  )
}
