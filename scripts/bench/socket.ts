/** Decisions over the call_control socket, against Redis alone. */
import { join } from 'node:path'
import { LONDON } from '../../test/app/bench.ts'
import { sampleOf } from './authorize-script.ts'
import { openDesk, seedAccounts } from './desk.ts'
import { median, round } from './figures.ts'
import { onGround } from './ground.ts'
import { type Asked, type Side, turn, type Turn } from './http.ts'
import { authorizeCeiling } from './redis-benchmark.ts'
import type { BenchContext, Section } from './section.ts'

const CONNECTIONS = 64
const ROUNDS = 3
const PATH = 'bench.sock'

const SETTINGS = [
  'defaults: { tariff: bench, currency: USD, timezone: UTC }',
  `callControl: { enabled: true, socket: ${PATH}, account: hot0 }`,
  '',
].join('\n')

export async function socket(context: BenchContext): Promise<Section> {
  return await measureSocket(context, { rounds: ROUNDS })
}

export interface SocketSize {
  readonly rounds: number
}

export async function measureSocket({ say, seconds }: BenchContext, size: SocketSize): Promise<Section> {
  return await onGround(SETTINGS, async (ground) => {
    const daemon = await ground.daemon()
    const { url } = ground.redis
    const desk = await openDesk(url)
    ground.atEnd(() => desk.close())
    await seedAccounts(desk.office, 'hot', 1)
    const sample = await sampleOf(url, 'hot0')
    const path = join(daemon.home.data, PATH)
    const side: Side & { readonly path: string } = { name: 'daemon', port: 0, pid: daemon.pid, path }
    const turns: Turn[] = []
    const ceilings: number[] = []
    for (let at = 0; at <= size.rounds; at += 1) {
      say(at === 0 ? 'warming up' : `round ${at} of ${size.rounds}`)
      const asked: Asked = { ground, daemon, seconds, accounts: 1, connections: CONNECTIONS }
      const inits = await turn(side, asked, {
        request: (connection, n) => initText(`${at}-${connection}-${n}`),
        isWhole: isLimited,
      })
      if (at === 0) continue
      turns.push(inits)
      ceilings.push((await authorizeCeiling(url, Math.round(10_000 * seconds), sample)).perSecond)
    }
    return section(turns, median(ceilings))
  })
}

function initText(callId: string): string {
  const fields = [
    'init',
    `callid: ${callId}@10.0.0.1`,
    'diverter: None',
    `ruri: sip:${LONDON}@10.0.0.2`,
    'sourceip: 10.0.0.3',
    `from: sip:+12125550100@10.0.0.1`,
    `fromtag: as7d8f6`,
  ]
  return `${fields.join('\r\n')}\r\n\r\n`
}

function isLimited(received: string): boolean {
  if (!received.endsWith('\n')) return false
  if (received.startsWith('Limited')) return true
  throw new Error(`the answer is not as wanted: ${received.slice(0, 200)}`)
}

function section(turns: readonly Turn[], ceiling: number): Section {
  const of = (figure: keyof Turn): number => median(turns.map((turn) => turn[figure]))
  return {
    title: 'Decisions over the call_control socket',
    command: 'npm run bench -- socket',
    rows: [
      { name: 'inits', value: round(of('perSecond'), 0), unit: '/s' },
      { name: 'p50', value: round(of('p50Ms')), unit: 'ms' },
      { name: 'p99', value: round(of('p99Ms')), unit: 'ms' },
      { name: 'CPU of the daemon for one', value: round(of('sideMicros'), 1), unit: 'µs' },
      { name: 'CPU of Redis for one', value: round(of('redisMicros'), 1), unit: 'µs' },
      { name: 'redis-benchmark, same script, pipeline 16', value: round(ceiling, 0), unit: '/s' },
    ],
    bars: [{ name: 'inits/s, of redis-benchmark', ratio: round(of('perSecond') / ceiling), atLeast: 0.6 }],
    notes: [
      '64 connections, one init under way on each, all for one account; decisions are written to the log.',
      'redis-benchmark leaves Redis a core of its own; here Node has one half of the machine and Redis and the load the other. An init costs the daemon twice what it costs Redis, so on two cores a third of that ceiling is all there is.',
    ],
  }
}
