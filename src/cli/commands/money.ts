/** `tollgate credit`, `tollgate trunks`, `tollgate pool`: what an account has. */
import type { Command } from 'commander'
import { type ChargeClass, chargeClasses } from '../../accounts/charge-class.ts'
import * as answers from '../answers.ts'
import { id, instantText, oneOf, positiveAmount, whole, words } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { CliFailure, usageFailure } from '../context.ts'
import { duration, fields, instant, money } from '../text.ts'
import { buyGoods, buying, type BuyOptions } from './payments.ts'

const MAX_CHANNELS = 100_000
const MAX_POOL_SECONDS = 2_000_000_000

export function addMoneyCommands(program: Command, cli: Cli): void {
  addCredit(program, cli)
  addFee(program, cli)
  addTrunks(program, cli)
  addPool(program, cli)
}

interface CreditOptions {
  readonly key?: string
  readonly kind: 'purchase' | 'adjustment'
  readonly reason?: string
  readonly externalId?: string
}

function addCredit(program: Command, cli: Cli): void {
  const noun = program.command('credit').description('Money of accounts.')
  const buy = noun
    .command('buy')
    .description('Buys credit with a card: shows what it costs, and charges when that is confirmed.')
    .argument('<account>', 'its id', id)
    .argument('<amount>', 'such as 25.00', positiveAmount)
  buying(buy).action((account: string, amount: string, options: BuyOptions) =>
    buyGoods(cli, { account, goods: { kind: 'credit', amount } }, options),
  )
  noun
    .command('add')
    .description('Adds money to an account.')
    .argument('<account>', 'its id', id)
    .argument('<amount>', 'such as 25.00', positiveAmount)
    .option('--key <text>', 'Idempotency-Key: the same key again adds nothing')
    .option(
      '--kind <kind>',
      'a purchase has a minimum, an adjustment has none',
      oneOf('purchase', 'adjustment'),
      'purchase',
    )
    .option('--reason <text>', 'for the journal')
    .option('--external-id <text>', "the payment's own id")
    .action((account: string, amount: string, options: CreditOptions) =>
      post(cli, { account, amount, side: 'credits' }, options),
    )
}

interface FeeOptions {
  readonly key?: string
  readonly class?: ChargeClass
  readonly reason?: string
  readonly externalId?: string
}

function addFee(program: Command, cli: Cli): void {
  program
    .command('fee')
    .description('What accounts are charged beside calls.')
    .command('add')
    .description('Charges an account a fee.')
    .argument('<account>', 'its id', id)
    .argument('<amount>', 'such as 25.00', positiveAmount)
    .option('--class <class>', `its line on the statement: ${chargeClasses.join(', ')}`, oneOf(...chargeClasses))
    .option('--key <text>', 'Idempotency-Key: the same key again charges nothing')
    .option('--reason <text>', 'for the journal')
    .option('--external-id <text>', "the invoice's own id")
    .action((account: string, amount: string, options: FeeOptions) =>
      post(cli, { account, amount, side: 'debits' }, { ...options, kind: 'fee' }),
    )
}

interface Posting {
  readonly account: string
  readonly amount: string
  readonly side: 'credits' | 'debits'
}

/** The key is said also when the answer is lost: with it the same can be asked again without paying twice. */
async function post(
  cli: Cli,
  { account, side, ...posting }: Posting,
  { key = cli.context.ids(), ...words }: CreditOptions | (FeeOptions & { readonly kind: 'fee' }),
): Promise<void> {
  const api = await cli.api()
  try {
    const body = { ...posting, ...words }
    const answer = await api.post(`/v1/accounts/${account}/${side}`, answers.posted, { body, idempotencyKey: key })
    const replayed = answer.headers.get('idempotent-replayed') === 'true'
    const { amount, balance, currency, entry } = answer.value
    cli.print({ ...(answer.raw as object), idempotencyKey: key, replayed }, () =>
      fields([
        [`${side === 'credits' ? 'added' : 'charged'}${replayed ? ' before' : ''}`, money(amount, currency)],
        ['credit', money(balance, currency)],
        ['entry', entry],
        ['key', key],
      ]),
    )
  } catch (error) {
    throw error instanceof CliFailure && isUnknownOutcome(error) ? withKey(error, key) : error
  }
}

function isUnknownOutcome({ code }: CliFailure): boolean {
  return code === 'daemon_unreachable' || code === 'answer_unreadable' || code.startsWith('store_')
}

function withKey(error: CliFailure, key: string): CliFailure {
  const advice = `whether it was done is not known; say it again with --key ${key}`
  return new CliFailure(error, { exitCode: error.exitCode, fields: error.fields, advice })
}

interface TrunkOptions {
  readonly inbound?: number
  readonly outbound?: number
  readonly twoWay?: number
}

function addTrunks(program: Command, cli: Cli): void {
  const channels = whole(0, MAX_CHANNELS)
  program
    .command('trunks')
    .description('Channels that accounts rent.')
    .command('set')
    .description('Sets how many channels an account rents; what is not said stays. Calls that are up go on.')
    .argument('<account>', 'its id', id)
    .option('--inbound <n>', 'concurrent inbound calls', channels)
    .option('--outbound <n>', 'concurrent outbound calls', channels)
    .option('--two-way <n>', 'concurrent calls of either direction together', channels)
    .action((account: string, options: TrunkOptions) => setTrunks(cli, account, options))
}

async function setTrunks(cli: Cli, account: string, options: TrunkOptions): Promise<void> {
  if (Object.keys(options).length === 0) throw usageFailure('say at least one of --inbound, --outbound and --two-way')
  const api = await cli.api()
  const { trunks } = (await api.get(`/v1/accounts/${account}`, answers.account)).value
  const { inbound, outbound, twoWay } = { ...trunks, ...options }
  const answer = await api.put(`/v1/accounts/${account}/trunks`, answers.trunks, { inbound, outbound, twoWay })
  cli.print(answer.raw, () =>
    fields([
      ['inbound', change(trunks.inbound, answer.value.inbound)],
      ['outbound', change(trunks.outbound, answer.value.outbound)],
      ['two-way', change(trunks.twoWay, answer.value.twoWay)],
    ]),
  )
}

function change(before: number, after: number): string {
  return before === after ? String(after) : `${before} → ${after}`
}

interface PoolOptions {
  readonly minutes?: number
  readonly seconds?: number
  readonly id?: string
  readonly priority?: number
  readonly resets?: string
  readonly expiresAt?: string
  readonly directions?: readonly string[]
  readonly prefixes?: readonly string[]
  readonly freeSeconds?: number
  readonly increment?: number
  readonly onExhausted?: string
  readonly key?: string
}

function addPool(program: Command, cli: Cli): void {
  program
    .command('pool')
    .description('Pools of minutes.')
    .command('add')
    .description('Gives an account a pool of minutes.')
    .argument('<account>', 'its id', id)
    .argument('<name>', 'what people call the pool')
    .option('--minutes <n>', 'what one cycle grants', whole(0, Math.floor(MAX_POOL_SECONDS / 60)))
    .option('--seconds <n>', 'likewise, in seconds', whole(0, MAX_POOL_SECONDS))
    .option('--id <pool>', 'its id; none makes one', id)
    .option('--priority <n>', 'the lower number pays first', whole(0, 1000))
    .option('--resets <when>', 'cycle: filled again on the cycle day; never', oneOf('cycle', 'never'))
    .option('--expires-at <instant>', 'when it ends for good', instantText)
    .option('--directions <list>', 'outbound, inbound', words)
    .option('--prefixes <list>', 'numbers it pays for, separated by commas; none is every number', words)
    .option('--free-seconds <n>', 'a call no longer than this takes no minutes', whole(0, 3600))
    .option('--increment <n>', 'seconds are taken in steps of this', whole(1, 3600))
    .option('--on-exhausted <what>', 'finish_call, cut or spill', oneOf('finish_call', 'cut', 'spill'))
    .option('--key <text>', 'Idempotency-Key: the same key again makes no second pool')
    .action((account: string, name: string, options: PoolOptions) => addPoolTo(cli, { account, name }, options))
}

async function addPoolTo(
  cli: Cli,
  to: { readonly account: string; readonly name: string },
  options: PoolOptions,
): Promise<void> {
  const {
    minutes,
    seconds = minutes === undefined ? undefined : minutes * 60,
    directions,
    prefixes,
    key,
    ...rest
  } = options
  if (seconds === undefined) throw usageFailure('say how much it has: --minutes or --seconds')
  if (minutes !== undefined && options.seconds !== undefined) throw usageFailure('say --minutes or --seconds, not both')
  const scope = { ...(directions ? { directions } : {}), ...(prefixes ? { prefixes } : {}) }
  const body = { ...rest, name: to.name, seconds, ...(Object.keys(scope).length > 0 ? { scope } : {}) }
  const idempotencyKey = key ?? cli.context.ids()
  const api = await cli.api()
  const { value, raw } = await api.post(`/v1/accounts/${to.account}/pools`, answers.pool, { body, idempotencyKey })
  cli.print(raw, () =>
    fields([
      ['pool', value.id],
      ['name', value.name],
      ['minutes', duration(value.seconds)],
      ['priority', value.priority],
      ['filled again', value.resets === 'cycle' ? instant(value.resetsAt) : 'never'],
      ['ends', instant(value.expiresAt)],
      ['when empty', value.onExhausted],
    ]),
  )
}
