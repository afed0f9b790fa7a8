/**
 * Calls through Kamailio with the example config that asks the daemon, against the same config that asks nobody: how many
 * a second, how much later they are answered, and what each costs in processor time. Rounds of the two take turns.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { apiKey } from '../../test/app/bench.ts'
import { Kamailio, type KamailioPorts, kamailioPorts } from '../../test/edges/sip/kamailio.ts'
import { openAccounts } from './calls.ts'
import { cpuSeconds, median, percentile, round } from './figures.ts'
import { type Ground, onGround } from './ground.ts'
import { KeepAlive } from './keep-alive.ts'
import type { BenchContext, Section } from './section.ts'
import { callCalmly, type Timed } from './sip/caller.ts'
import { answering, load, type Loaded } from './sip/sipp.ts'

export interface SipSize {
  readonly rounds: number
  /** Calls a second at which delay and processor time are measured. */
  readonly rate: number
  readonly seconds: number
  /** Calls of a round in which as many are made as go, so many at once. */
  readonly calls: number
  readonly atOnce: number
}

const ACCOUNTS = 100
/** Two transactions of each call stay there for five seconds. */
const SHARED_MB = 1024

export async function sip(context: BenchContext): Promise<Section> {
  return await measureSip(context, { rounds: 3, rate: 100, seconds: 4, calls: 2_500, atOnce: 100 })
}

/** One way through Kamailio. */
interface Way {
  readonly name: 'alone' | 'asking'
  readonly kamailio: Kamailio
  readonly calm: Timed[]
  readonly full: Loaded[]
  kamailioCpu: number
  daemonCpu: number
  redisCpu: number
}

export async function measureSip(context: BenchContext, size: SipSize): Promise<Section> {
  const ports = await kamailioPorts()
  const settings = [
    'defaults: { tariff: bench, currency: USD, timezone: UTC }',
    `edges: { kam1: { kind: kamailio, rpcUrl: 'http://127.0.0.1:${ports.rpc}/RPC', canRaise: true } }`,
    'log: { decisions: false }',
    '',
  ]
  return await onGround(settings.join('\n'), (ground) => measureOn(ground, { context, size, ports }))
}

interface Measuring {
  readonly context: BenchContext
  readonly size: SipSize
  readonly ports: KamailioPorts
}

async function measureOn(ground: Ground, { context, size, ports }: Measuring): Promise<Section> {
  const daemon = await ground.daemon()
  const client = new KeepAlive(() => daemon.url, daemon.key, 8)
  ground.atEnd(async () => client.close())
  const accounts = await openAccounts(client, 'payer', { accounts: ACCOUNTS, credit: 1_000_000 })
  const start = async (name: Way['name']): Promise<Way> => {
    const own = name === 'asking' ? ports : { ...(await kamailioPorts()), nextHop: ports.nextHop }
    const config = name === 'asking' ? {} : { config: await aloneConfig(context.folder) }
    const kamailio = await Kamailio.start({
      example: 'http',
      daemonUrl: daemon.url,
      apiKey,
      ports: own,
      ...config,
      sharedMegabytes: SHARED_MB,
    })
    ground.atEnd(() => kamailio.end())
    return { name, kamailio, calm: [], full: [], kamailioCpu: 0, daemonCpu: 0, redisCpu: 0 }
  }
  const ways = [await start('alone'), await start('asking')]
  const called = await answering(ports.nextHop)
  ground.atEnd(() => called.kill())
  // Processes and connections are warm before anything counts.
  for (let number = 0; number <= size.rounds; number += 1) {
    context.say(number === 0 ? 'warming up' : `round ${number} of ${size.rounds}`)
    for (const way of ways) {
      const target = way.kamailio.ports.sip
      const folder = join(context.folder, `${way.name}-${number}`)
      const before = await used(way, daemon.pid, ground.redis.pid)
      const calls = Math.ceil(size.rate * size.seconds)
      const calm = await callCalmly({ target, accounts, rate: size.rate, calls })
      const after = await used(way, daemon.pid, ground.redis.pid)
      const full = await load({ target, accounts, atOnce: size.atOnce, calls: size.calls, folder })
      if (number === 0) continue
      way.calm.push(calm)
      way.full.push(full)
      way.kamailioCpu += after.kamailio - before.kamailio
      way.daemonCpu += after.daemon - before.daemon
      way.redisCpu += after.redis - before.redis
    }
  }
  const [alone, asking] = ways
  if (!alone || !asking) throw new Error('there are two ways')
  return section(size, alone, asking)
}

async function used(
  way: Way,
  daemonPid: number,
  redisPid: number,
): Promise<Record<'kamailio' | 'daemon' | 'redis', number>> {
  return {
    kamailio: await cpuSeconds(way.kamailio.pid),
    daemon: await cpuSeconds(daemonPid),
    redis: await cpuSeconds(redisPid),
  }
}

/** The example itself, with the question and the events taken out: the same routing, dialogs and limits. */
async function aloneConfig(folder: string): Promise<string> {
  const example = fileURLToPath(new URL('../../config/kamailio/http/kamailio.cfg', import.meta.url))
  const text = await readFile(example, 'utf8')
  const asks = '\tif (!async_task_group_route("CONSULT", "tollgate")) route(NO_DECISION);'
  const tells = '\tmq_add("outbox", "e", "$var(event)");'
  const events = ['event_route[dialog:start] {', 'event_route[dialog:end] {', 'event_route[dialog:failed] {']
  for (const part of [asks, tells, ...events]) {
    if (!text.includes(part)) throw new Error(`the example config has no line "${part.trim()}"`)
  }
  const alone = events.reduce(
    (config, event) => config.replace(event, () => `${event}\n\treturn;`),
    text.replace(asks, () => '\t$var(max) = 3600;\n\troute(CONNECT);').replace(tells, () => ''),
  )
  const path = join(folder, 'alone.cfg')
  await writeFile(path, alone)
  return path
}

const ratesOf = (way: Way): readonly number[] => way.full.map(({ ended, seconds }) => ended / seconds)
const delaysOf = (way: Way): readonly number[] => way.calm.flatMap(({ answerMs }) => answerMs)

function section(size: SipSize, alone: Way, asking: Way): Section {
  const rates = { alone: ratesOf(alone), asking: ratesOf(asking) }
  const ratios = rates.alone.map((rate, index) => (rates.asking[index] ?? 0) / rate)
  const calls = size.rounds * Math.ceil(size.rate * size.seconds)
  const all = [alone, asking].flatMap(({ calm, full }) => [...calm, ...full])
  const failed = all.reduce((sum, one) => sum + one.failed, 0)
  const delay = (way: Way, hundredths: number) => percentile(delaysOf(way), hundredths)
  const micros = (seconds: number) => round((seconds / calls) * 1_000_000, 0)
  const rows = [
    { name: 'Kamailio alone', value: round(median(rates.alone), 0), unit: 'calls/s' },
    { name: 'Kamailio that asks', value: round(median(rates.asking), 0), unit: 'calls/s' },
    ...[50, 99].flatMap((hundredths) => [
      { name: `INVITE to 200, alone: p${hundredths}`, value: round(delay(alone, hundredths)), unit: 'ms' },
      { name: `INVITE to 200, asking: p${hundredths}`, value: round(delay(asking, hundredths)), unit: 'ms' },
      { name: `added: p${hundredths}`, value: round(delay(asking, hundredths) - delay(alone, hundredths)), unit: 'ms' },
    ]),
    { name: 'Kamailio for each call, alone', value: micros(alone.kamailioCpu), unit: 'us CPU' },
    { name: 'Kamailio for each call, asking', value: micros(asking.kamailioCpu), unit: 'us CPU' },
    { name: 'daemon for each call', value: micros(asking.daemonCpu), unit: 'us CPU' },
    { name: 'Redis for each call', value: micros(asking.redisCpu), unit: 'us CPU' },
    { name: 'calls that failed', value: failed, unit: 'calls' },
  ]
  return {
    title: 'Calls through Kamailio',
    command: 'npm run bench -- sip',
    rows,
    bars: [
      { name: 'calls a second, asking of alone', ratio: round(median(ratios)), atLeast: 0.3 },
      { name: 'calls that failed', ratio: failed, atMost: 0 },
    ],
    notes: [
      `sipp calls through the example config (http) to sipp, ${size.rounds} rounds; the two ways take turns. "Alone" is the same file with the question and the events taken out: the same routing, dialogs and limits.`,
      `Calls a second are those of ${size.atOnce} calls at once, each hung up 50 ms after its answer; delay and processor time are taken at ${size.rate} calls a second. Callers, Kamailio, daemon, Redis and the called side share the machine, so every one of them is in the calls a second.`,
      'A call is a decision and two events (start, stop), which are sent in batches.',
    ],
  }
}
