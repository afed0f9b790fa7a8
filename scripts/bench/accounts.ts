/** Does a decision cost the same whoever pays: one account or many, alone or in a chain, by credit, minutes or a trunk? */
import type { RedisAccountOffice } from '../../src/store/redis-accounts.ts'
import { fund, openDesk, seedAccounts } from './desk.ts'
import { median, round } from './figures.ts'
import { onGround } from './ground.ts'
import { type Asked, authorizes, type Side, type Turn } from './http.ts'
import type { BenchContext, Section } from './section.ts'

const SETTINGS = 'defaults: { tariff: bench, currency: USD, timezone: UTC }\n'
const ROUNDS = 3

export async function accountMeasure(context: BenchContext): Promise<Section> {
  return await measureAccounts(context, { many: 100_000, rounds: ROUNDS })
}

export interface AccountsSize {
  readonly many: number
  readonly rounds: number
}

interface Case {
  readonly name: string
  readonly account: string
  readonly accounts: number
}

export async function measureAccounts({ say, seconds }: BenchContext, size: AccountsSize): Promise<Section> {
  return await onGround(SETTINGS, async (ground) => {
    const daemon = await ground.daemon()
    const desk = await openDesk(ground.redis.url)
    ground.atEnd(() => desk.close())
    say(`opening ${size.many} accounts`)
    await seedAccounts(desk.office, 'many', size.many)
    await seedAccounts(desk.office, 'one', 1)
    await seedOthers(desk.office)
    const cases: readonly Case[] = [
      { name: 'one account', account: 'one', accounts: 1 },
      { name: '1,000 accounts', account: 'many', accounts: Math.min(1_000, size.many) },
      { name: `${size.many.toLocaleString('en')} accounts`, account: 'many', accounts: size.many },
      { name: 'chain of three', account: 'shop', accounts: 1 },
      { name: 'minutes', account: 'minutes', accounts: 1 },
      { name: 'trunk', account: 'trunk', accounts: 1 },
    ]
    const side: Side = { name: 'daemon', port: daemon.port, pid: daemon.pid }
    const turns = cases.map((): Turn[] => [])
    for (let round = 0; round <= size.rounds; round += 1) {
      say(round === 0 ? 'warming up' : `round ${round} of ${size.rounds}`)
      for (const [index, { account, accounts }] of cases.entries()) {
        const asked: Asked = { ground, daemon, seconds, accounts, account, connections: 64 }
        const turn = await authorizes(side, asked, `${account}-${index}-${round}`)
        if (round > 0) turns[index]?.push(turn)
      }
    }
    return section(cases, turns)
  })
}

/** Levels of a chain are paid for in one script; minutes and channels are asked beside the credit. */
async function seedOthers(office: RedisAccountOffice): Promise<void> {
  await office.put('root', { tariff: 'bench' })
  await office.put('house', { parent: 'root', tariff: 'bench' })
  await office.put('shop0', { parent: 'house', tariff: 'bench' })
  await office.put('minutes0', {})
  await office.addPool('minutes0', { name: 'much', seconds: 1_000_000_000, resets: 'never' })
  await office.put('trunk0', { trunks: { inbound: 0, outbound: 10_000_000, twoWay: 0 } })
  for (const account of ['root', 'house', 'shop0']) await fund(office, account)
}

function section(cases: readonly Case[], turns: readonly (readonly Turn[])[]): Section {
  const of = (index: number, figure: keyof Turn): number => median((turns[index] ?? []).map((turn) => turn[figure]))
  const cost = (index: number): number => of(index, 'sideMicros') + of(index, 'redisMicros')
  return {
    title: 'Whoever pays',
    command: 'npm run bench -- accounts',
    rows: cases.flatMap(({ name }, index) => [
      { name: `${name}: authorizes`, value: round(of(index, 'perSecond'), 0), unit: '/s' },
      { name: `${name}: CPU of daemon and Redis for one`, value: round(cost(index), 1), unit: 'µs' },
    ]),
    bars: [
      { name: 'CPU of one: 1,000 accounts, of one account', ratio: round(cost(1) / cost(0)), atMost: 1.1 },
      { name: 'CPU of one: most accounts, of one account', ratio: round(cost(2) / cost(0)), atMost: 1.1 },
    ],
    notes: [
      'A daemon remembers the profiles and figures of 25,000 to 50,000 accounts that were used last; what it does not remember it reads first, which is two visits more. With more accounts in turn than that, each decision is such a one: the dearest order there is.',
      'On one hot account many decisions are under way at once; each is planned on remembered figures and taken only if it still fits, so one that meets another near the end of the money is planned again.',
    ],
  }
}
