/** Decisions over HTTP, against a bare handler that runs the same script, and against Redis alone. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Daemon, LONDON, root } from '../../test/app/bench.ts'
import { sampleOf } from './authorize-script.ts'
import { openDesk, seedAccounts, type Sent } from './desk.ts'
import { cpuSeconds, median, round } from './figures.ts'
import { type Ground, onGround } from './ground.ts'
import { isAnswer, type Load, type LoadResult, postText, runLoad } from './load.ts'
import { authorizeCeiling } from './redis-benchmark.ts'
import type { BenchContext, Row, Section } from './section.ts'

const SETTINGS = 'defaults: { tariff: bench, currency: USD, timezone: UTC }\n'
const ACCOUNTS = 1_000
const CONNECTIONS = 64
const ROUNDS = 5

export interface Side {
  readonly name: string
  readonly port: number
  readonly pid: number
}

/** One case of load on one side: how many, how long each took, and what it cost. */
export interface Turn extends LoadResult {
  readonly sideMicros: number
  readonly redisMicros: number
}

export async function http(context: BenchContext): Promise<Section> {
  return await measureHttp(context, { rounds: ROUNDS, accounts: ACCOUNTS })
}

export interface HttpSize {
  readonly rounds: number
  readonly accounts: number
}

export async function measureHttp({ say, seconds }: BenchContext, size: HttpSize): Promise<Section> {
  return await onGround(SETTINGS, async (ground) => {
    const daemon = await ground.daemon()
    const { url } = ground.redis
    const desk = await openDesk(url)
    ground.atEnd(() => desk.close())
    await seedAccounts(desk.office, 'a', size.accounts)
    await seedAccounts(desk.office, 'hot', 1)
    const sample = await sampleOf(url, 'hot0')
    const bare = await bareServer(ground, sample)
    const ours: Side = { name: 'daemon', port: daemon.port, pid: daemon.pid }
    const turns: Record<'ours' | 'bare', Turn[]> = { ours: [], bare: [] }
    const ceilings: number[] = []
    for (let turn = 0; turn <= size.rounds; turn += 1) {
      say(turn === 0 ? 'warming up' : `round ${turn} of ${size.rounds}`)
      const asked = { ground, daemon, seconds, accounts: size.accounts, connections: CONNECTIONS }
      const [theirs, our] = [
        await authorizes(bare, asked, `bare-${turn}`),
        await authorizes(ours, asked, `ours-${turn}`),
      ]
      if (turn === 0) continue
      turns.bare.push(theirs)
      turns.ours.push(our)
      const requests = Math.round(10_000 * seconds)
      ceilings.push((await authorizeCeiling(url, requests, sample)).perSecond)
    }
    const few = await authorizes(ours, { ground, daemon, seconds, accounts: size.accounts, connections: 4 }, 'few')
    const whole = await wholeCalls(ours, { ground, daemon, seconds, accounts: size.accounts, connections: CONNECTIONS })
    return section(turns, { ceiling: median(ceilings), few, whole })
  })
}

async function bareServer(ground: Ground, sample: Sent): Promise<Side> {
  const file = fileURLToPath(new URL('bare-server.ts', import.meta.url))
  const child = spawn(`${root}scripts/node`, [file, ground.redis.url, JSON.stringify(sample)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  ground.atEnd(async () => {
    child.kill()
    await Promise.resolve()
  })
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (bytes: Buffer) => resolve(Number(bytes.toString())))
    child.once('exit', () => reject(new Error('the bare handler ended')))
  })
  return { name: 'bare handler', port, pid: child.pid ?? 0 }
}

export interface Asked {
  readonly ground: Ground
  readonly daemon: Daemon
  readonly seconds: number
  readonly accounts: number
  readonly connections: number
  /** Beginning of the accounts' names. */
  readonly account?: string
  readonly to?: string
}

export async function authorizes(side: Side, asked: Asked, name: string): Promise<Turn> {
  const { daemon, accounts, account = 'a', to = LONDON } = asked
  const request = (connection: number, nth: number): string => {
    const n = nth * asked.connections + connection
    return postText('/v1/calls/authorize', daemon.key, {
      ...legOf(`${name}-${n}`),
      account: `${account}${n % accounts}`,
      direction: 'outbound',
      from: '+12125550100',
      to,
    })
  }
  return await turn(side, asked, { request, isWhole: isAnswer('"allow":true') })
}

function legOf(callId: string) {
  return { node: 'edge-1', callId: `${callId}@10.0.0.1`, legId: 'as7d8f6' }
}

export async function turn(
  side: Side & { readonly path?: string },
  { ground, seconds, connections }: Asked,
  load: Pick<Load, 'request' | 'isWhole'>,
): Promise<Turn> {
  const before = [await cpuSeconds(side.pid), await cpuSeconds(ground.redis.pid)]
  const result = await runLoad({ to: side.path ?? side.port, connections, seconds, ...load })
  const after = [await cpuSeconds(side.pid), await cpuSeconds(ground.redis.pid)]
  const micros = (at: number): number => (((after[at] ?? 0) - (before[at] ?? 0)) * 1e6) / result.answers
  return { ...result, sideMicros: micros(0), redisMicros: micros(1) }
}

/** authorize, start, extend, stop: each connection makes one call after the other. */
async function wholeCalls(side: Side, asked: Asked): Promise<Turn> {
  const { key } = asked.daemon
  const request = (connection: number, n: number): string => {
    const leg = legOf(`whole-${connection}-${Math.floor(n / 4)}`)
    switch (n % 4) {
      case 0: {
        const account = `a${(n * asked.connections + connection) % asked.accounts}`
        const call = { account, direction: 'outbound', from: '+12125550100', to: LONDON, mode: 'edge' }
        return postText('/v1/calls/authorize', key, { ...leg, ...call })
      }
      case 1:
        return postText('/v1/calls/events', key, { type: 'start', ...leg })
      case 2:
        return postText('/v1/calls/extend', key, { ...leg, usedSeconds: 60 })
      default:
        return postText('/v1/calls/events', key, { type: 'stop', ...leg, seconds: 70 })
    }
  }
  return await turn(side, asked, { request, isWhole: isAnswer('{') })
}

function section(
  turns: Readonly<Record<'ours' | 'bare', readonly Turn[]>>,
  more: { readonly ceiling: number; readonly few: Turn; readonly whole: Turn },
): Section {
  const of = (side: 'ours' | 'bare', figure: keyof Turn): number => median(turns[side].map((turn) => turn[figure]))
  const rowsOf = (side: 'ours' | 'bare', name: string): Row[] => [
    { name: `${name}: authorizes`, value: round(of(side, 'perSecond'), 0), unit: '/s' },
    { name: `${name}: p50`, value: round(of(side, 'p50Ms')), unit: 'ms' },
    { name: `${name}: p99`, value: round(of(side, 'p99Ms')), unit: 'ms' },
    { name: `${name}: CPU of one`, value: round(of(side, 'sideMicros'), 1), unit: 'µs' },
    { name: `${name}: CPU of Redis for one`, value: round(of(side, 'redisMicros'), 1), unit: 'µs' },
  ]
  const { ceiling, few, whole } = more
  return {
    title: 'Decisions over HTTP',
    command: 'npm run bench -- http',
    rows: [
      ...rowsOf('ours', 'daemon'),
      ...rowsOf('bare', 'bare handler'),
      { name: 'redis-benchmark, same script, pipeline 16', value: round(ceiling, 0), unit: '/s' },
      { name: 'CPU of the load itself, of one', value: round(of('ours', 'ownMicros'), 1), unit: 'µs' },
      { name: 'daemon, 4 connections: authorizes', value: round(few.perSecond, 0), unit: '/s' },
      { name: 'daemon, 4 connections: p50', value: round(few.p50Ms), unit: 'ms' },
      { name: 'daemon, 4 connections: p99', value: round(few.p99Ms), unit: 'ms' },
      { name: 'whole calls (authorize, start, extend, stop): requests', value: round(whole.perSecond, 0), unit: '/s' },
      { name: 'whole calls: CPU of one request', value: round(whole.sideMicros, 1), unit: 'µs' },
      { name: 'whole calls: CPU of Redis for one request', value: round(whole.redisMicros, 1), unit: 'µs' },
    ],
    bars: [
      {
        name: 'authorizes/s, of the bare handler',
        ratio: round(of('ours', 'perSecond') / of('bare', 'perSecond')),
        atLeast: 0.8,
      },
      { name: 'authorizes/s, of redis-benchmark', ratio: round(of('ours', 'perSecond') / ceiling), atLeast: 0.45 },
      {
        name: 'CPU of an authorize, of the bare handler',
        ratio: round(of('ours', 'sideMicros') / of('bare', 'sideMicros')),
        atMost: 2,
      },
      { name: 'p99 of p50 at 64 connections', ratio: round(of('ours', 'p99Ms') / of('ours', 'p50Ms')), atMost: 3 },
    ],
    notes: [
      '64 connections that are kept, one request under way on each, 1,000 accounts; decisions are written to the log, as daemons do unless told otherwise. Load, daemon and Redis share the machine, so the sum of their CPU bounds what can be reached.',
      'The bare handler is node:http with JSON.parse, the same script with the same keys and words on the same corked connection, and JSON.stringify. It does not know who asks, checks nothing, prices nothing, plans nothing and writes no log.',
      'Where the difference goes, by a CPU profile of the daemon: half is what the bare handler has too (sockets, HTTP, JSON, the connection to Redis); of the rest a third is the decision (who pays, price, plan, record), a quarter the words for and from Redis, a fifth key, schema and routing, a tenth the log and the counters. No part of it is above 3 % of the whole, so what is left to gain is many small things. On two cores that load, daemon and Redis share, decisions a second follow from the CPU of all three.',
    ],
  }
}
