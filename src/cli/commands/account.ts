/** `tollgate account`: who pays. */
import type { Command } from 'commander'
import * as answers from '../answers.ts'
import type { z } from 'zod'
import { amount, id, oneOf, timezone, whole, words } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { CliFailure } from '../context.ts'
import { duration, fields, instant, money, section, table } from '../text.ts'

interface CreateOptions {
  readonly name?: string
  readonly parent?: string
  readonly currency?: string
  readonly timezone?: string
  readonly tariff?: string
  readonly creditLimit?: string
  readonly cycleDay?: number
  readonly maxCalls?: number
  readonly block?: readonly string[]
  readonly onEngineError?: string
}

type Account = z.output<typeof answers.account>
type Balance = z.output<typeof answers.balance>

export function addAccountCommands(program: Command, cli: Cli): void {
  const account = program.command('account').description('Accounts: who pays for calls.')
  account
    .command('create')
    .description('Creates an account. What is not said is as the settings have it.')
    .argument('<account>', 'its id', id)
    .option('--name <text>', 'what people call it')
    .option('--parent <account>', 'the account above it', id)
    .option('--currency <code>', 'such as USD')
    .option('--timezone <zone>', 'such as America/New_York', timezone)
    .option('--tariff <name>', 'prices of its calls', id)
    .option('--credit-limit <amount>', 'how far below zero credit may go; 0 is prepaid', amount)
    .option('--cycle-day <day>', 'day of the month on which minutes are filled again', whole(1, 31))
    .option('--max-calls <n>', 'most calls at once', whole(0, 1_000_000))
    .option('--block <prefixes>', 'numbers it may not call, separated by commas', words)
    .option('--on-engine-error <policy>', 'deny or allowCapped', oneOf('deny', 'allowCapped'))
    .action((name: string, options: CreateOptions) => create(cli, name, options))
  account
    .command('show')
    .description('An account: profile, credit, minutes, trunks.')
    .argument('<account>', 'its id', id)
    .action((name: string) => show(cli, name))
  account
    .command('list')
    .description('Accounts, or those below one.')
    .option('--parent <account>', 'only those directly below it', id)
    .option('--limit <n>', 'at most so many', whole(1, 1_000_000), 100)
    .action((options: { readonly parent?: string; readonly limit: number }) => list(cli, options))
}

/** The API replaces an account that is there; a person who says "create" does not mean that. */
async function create(cli: Cli, name: string, { block, ...profile }: CreateOptions): Promise<void> {
  const api = await cli.api()
  if (await exists(cli, name))
    throw new CliFailure({ code: 'account_exists', message: `there is an account "${name}"` })
  const body = { ...profile, ...(block ? { blockedPrefixes: block } : {}) }
  const { value, raw } = await api.put(`/v1/accounts/${name}`, answers.account, body)
  cli.print(raw, () => `Created.\n${profileText(value)}`)
}

async function exists(cli: Cli, name: string): Promise<boolean> {
  try {
    await (await cli.api()).get(`/v1/accounts/${name}`, answers.account)
    return true
  } catch (error) {
    if (error instanceof CliFailure && error.code === 'account_unknown') return false
    throw error
  }
}

async function show(cli: Cli, name: string): Promise<void> {
  const api = await cli.api()
  const profile = await api.get(`/v1/accounts/${name}`, answers.account)
  const balance = await api.get(`/v1/accounts/${name}/balance`, answers.balance)
  cli.print({ account: profile.raw, balance: balance.raw }, () =>
    [profileText(profile.value), balanceText(balance.value, cli)].join('\n'),
  )
}

async function list(cli: Cli, { parent, limit }: { readonly parent?: string; readonly limit: number }): Promise<void> {
  const api = await cli.api()
  const found = await api.list('/v1/accounts', answers.pageOf(answers.account), { query: { parent }, limit })
  cli.printList({ ...found, none: 'No accounts.' }, [
    { title: 'ACCOUNT', cell: (row) => row.id },
    { title: 'NAME', cell: (row) => row.name },
    { title: 'STATUS', cell: (row) => row.status },
    { title: 'PARENT', cell: (row) => row.parent },
    { title: 'CURRENCY', cell: (row) => row.currency },
    { title: 'TARIFF', cell: (row) => row.tariff },
  ])
}

function profileText(account: Account): string {
  return fields([
    ['account', account.id],
    ['name', account.name],
    ['parent', account.parent],
    ['status', account.status],
    ['currency', account.currency],
    ['time zone', account.timezone],
    ['tariff', account.tariff],
    ['paid by', account.funding.join(', ')],
    ['credit limit', money(account.creditLimit, account.currency)],
    ['cycle day', account.cycleDay],
    ['most calls', account.maxCalls],
    ['store away', account.onEngineError],
  ])
}

function balanceText(balance: Balance, cli: Cli): string {
  const { currency, pools, trunks } = balance
  const credit = fields([
    ['credit', money(balance.credit, currency)],
    ['reserved', money(balance.reserved, currency)],
    ['available', money(balance.available, currency)],
    ['live calls', balance.calls],
  ])
  const minutes = table(
    pools,
    [
      { title: 'POOL', cell: (pool) => pool.id },
      { title: 'NAME', cell: (pool) => pool.name },
      { title: 'LEFT', cell: (pool) => duration(pool.remaining), right: true },
      { title: 'RESERVED', cell: (pool) => duration(pool.reserved), right: true },
      { title: 'OF', cell: (pool) => duration(pool.total), right: true },
      { title: 'PRIORITY', cell: (pool) => pool.priority, right: true },
      { title: 'FILLED AGAIN', cell: (pool) => instant(pool.resetsAt) },
      { title: 'ENDS', cell: (pool) => instant(pool.expiresAt) },
    ],
    cli.context,
  )
  const used = (['inbound', 'outbound', 'twoWay'] as const).map((kind) => ({ kind, ...trunks[kind] }))
  const channels = table(
    used.filter(({ limit, used: busy }) => limit > 0 || busy > 0),
    [
      { title: 'TRUNK', cell: (row) => row.kind },
      { title: 'USED', cell: (row) => row.used, right: true },
      { title: 'OF', cell: (row) => row.limit, right: true },
    ],
    cli.context,
  )
  const hasTrunks = used.some(({ limit, used: busy }) => limit > 0 || busy > 0)
  return [
    section('Credit', credit),
    ...(pools.length > 0 ? [section('Minutes', minutes)] : []),
    ...(hasTrunks ? [section('Trunks', channels)] : []),
  ].join('\n')
}
