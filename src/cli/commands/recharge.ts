/** `tollgate recharge`: the automatic purchase of credit. */
import type { Command } from 'commander'
import { account as accountAnswer } from '../answers.ts'
import * as answers from '../payment-answers.ts'
import { amount, id, positiveAmount, whole } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { usageFailure } from '../context.ts'
import { fields, instant, money } from '../text.ts'

interface SetOptions {
  readonly off?: boolean
  readonly threshold?: string
  readonly amount?: string
  readonly targetBalance?: string
  readonly card?: string
  readonly dayCap?: string
  readonly monthCap?: string
  readonly maxFailures?: number
}

export function addRechargeCommands(program: Command, cli: Cli): void {
  const recharge = program.command('recharge').description('The automatic purchase of credit.')
  recharge
    .command('set')
    .description('Sets when and how much credit is bought; what is not said is as by default.')
    .argument('<account>', 'its id', id)
    .option('--off', 'keeps the settings and buys nothing')
    .option('--threshold <amount>', 'available credit below which credit is bought', amount)
    .option('--amount <amount>', 'what is bought at once, or more to reach the threshold', positiveAmount)
    .option('--target-balance <amount>', 'instead: what is to be available afterwards', positiveAmount)
    .option('--card <id>', 'card on file; none is the one that pays what recurs', id)
    .option('--day-cap <amount>', 'most that is charged in a day', positiveAmount)
    .option('--month-cap <amount>', 'most that is charged in a calendar month', positiveAmount)
    .option('--max-failures <n>', 'so many failures in a row pause it', whole(1, 20))
    .action((account: string, options: SetOptions) => set(cli, account, options))
  recharge
    .command('show')
    .description('Shows the settings, what was charged today, and whether it is paused.')
    .argument('<account>', 'its id', id)
    .action((account: string) => show(cli, account))
  for (const [verb, what] of [
    ['pause', 'Charges nothing until it is resumed.'],
    ['resume', 'Forgets failures, and tries at once.'],
  ] as const) {
    recharge
      .command(verb)
      .description(what)
      .argument('<account>', 'its id', id)
      .action(async (account: string) => {
        const api = await cli.api()
        print(cli, await api.post(`/v1/accounts/${account}/recharge/${verb}`, answers.recharge))
      })
  }
  recharge
    .command('run')
    .description('Buys what is missing now, if the account is below its threshold.')
    .argument('<account>', 'its id', id)
    .action(async (account: string) => {
      const api = await cli.api()
      const { value, raw } = await api.post(`/v1/accounts/${account}/recharge/run`, answers.payment)
      cli.print(raw, () =>
        fields([
          ['payment', value.payment],
          ['state', value.reason === undefined ? value.state : `${value.state}: ${value.reason}`],
          ['amount', money(value.amount, value.currency)],
        ]),
      )
    })
}

async function set(cli: Cli, account: string, { off = false, threshold, ...rest }: SetOptions): Promise<void> {
  if (threshold === undefined) throw usageFailure('say when credit is bought: --threshold')
  if ((rest.amount === undefined) === (rest.targetBalance === undefined)) {
    throw usageFailure('say how much is bought: --amount or --target-balance')
  }
  const api = await cli.api()
  const body = { recharge: { enabled: !off, threshold, ...rest } }
  await api.send('PATCH', `/v1/accounts/${account}`, { schema: accountAnswer, body })
  await show(cli, account)
}

async function show(cli: Cli, account: string): Promise<void> {
  const api = await cli.api()
  print(cli, await api.get(`/v1/accounts/${account}/recharge`, answers.recharge))
}

function print(cli: Cli, { value, raw }: { readonly value: answers.Recharge; readonly raw: unknown }): void {
  const { recharge, failures, nextAt, paused, chargedToday, chargedThisMonth } = value
  cli.print(raw, () =>
    fields([
      ['recharge', recharge?.enabled ? 'on' : 'off'],
      ['below', recharge?.threshold ?? ''],
      ['buys', recharge?.amount ?? (recharge?.targetBalance === undefined ? '' : `to ${recharge.targetBalance}`)],
      ['charged today', chargedToday],
      ['this month', chargedThisMonth],
      ['failures', String(failures)],
      ['not before', instant(nextAt)],
      ['paused', paused ?? 'no'],
    ]),
  )
}
