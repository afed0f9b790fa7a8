/**
 * Calls that the daemon bridges over a drachtio-server, against a bridge that decides nothing: how many a second, how much later
 * they are answered, and what each costs. The server is the double, or a real one that DRACHTIO_TEST_URL names.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Daemon } from '../../test/app/bench.ts'
import { freePort, Process, until } from '../../test/edges/sip/process.ts'
import { type DrachtioServer, isDouble, openServer } from '../../test/support/drachtio/drachtio-server.ts'
import { openAccounts } from './calls.ts'
import { cpuSeconds, median, percentile, residentBytes, round } from './figures.ts'
import { type Ground, onGround } from './ground.ts'
import { KeepAlive } from './keep-alive.ts'
import type { BenchContext, Row, Section } from './section.ts'
import { callCalmly, callingNumber, type Timed } from './sip/caller.ts'
import { answering, load, type Loaded } from './sip/sipp.ts'

export interface DrachtioSize {
  readonly rounds: number
  /** Calls a second at which delay and processor time are measured. */
  readonly rate: number
  readonly seconds: number
  /** Calls of a round in which as many are made as go, so many at once. */
  readonly calls: number
  readonly atOnce: number
  /** Calls that are up when memory is looked at. */
  readonly held: number
}

const ACCOUNTS = 100
const HELD_MS = 20_000
const HELD_RATE = 100

export async function drachtio(context: BenchContext): Promise<Section> {
  return await measureDrachtio(context, { rounds: 3, rate: 50, seconds: 4, calls: 1_000, atOnce: 20, held: 1_000 })
}

/** One way over a server of its own. */
interface Way {
  readonly server: DrachtioServer
  /** Whoever bridges. */
  readonly pid: number
  readonly calm: Timed[]
  readonly full: Loaded[]
  bridgeCpu: number
  serverCpu: number
  redisCpu: number
}

export async function measureDrachtio(context: BenchContext, size: DrachtioSize): Promise<Section> {
  const nextHop = await freePort()
  const [bare, asking] = [await openServer(), await openServer()]
  try {
    const settings = [
      'defaults: { tariff: bench, currency: USD, timezone: UTC }',
      'log: { decisions: false }',
      'sip:',
      '  enabled: true',
      `  servers: [{ port: ${asking.adminPort}, secret: ${asking.secret} }]`,
      '  invitesPerSecond: { source: 100000, account: 100000 }',
      `  groups: { default: { hops: [{ uri: 'sip:127.0.0.1:${nextHop}' }] } }`,
      '',
    ]
    const work = (ground: Ground): Promise<Section> => measureOn(ground, { context, size, nextHop, bare, asking })
    return await onGround(settings.join('\n'), work, { 'trunks.yaml': trunks() })
  } finally {
    await bare.close()
    await asking.close()
  }
}

function trunks(): string {
  const rules = Array.from({ length: ACCOUNTS }, (_, index) => {
    return `  - { name: payer-${index}, account: payer-${index}, direction: outbound, from: ['${callingNumber(index)}'] }`
  })
  return `trunks:\n${rules.join('\n')}\n`
}

interface Measuring {
  readonly context: BenchContext
  readonly size: DrachtioSize
  readonly nextHop: number
  readonly bare: DrachtioServer
  readonly asking: DrachtioServer
}

async function measureOn(ground: Ground, measuring: Measuring): Promise<Section> {
  const { context, size, nextHop } = measuring
  const daemon = await ground.daemon()
  const client = new KeepAlive(() => daemon.url, daemon.key, 8)
  ground.atEnd(async () => client.close())
  const accounts = await openAccounts(client, 'payer', { accounts: ACCOUNTS, credit: 1_000_000 })
  const called = await answering(nextHop)
  ground.atEnd(() => called.kill())
  const bridge = bareBridge(measuring)
  ground.atEnd(() => bridge.kill())
  const ways = [way(measuring.bare, bridge.pid), way(measuring.asking, daemon.pid)] as const
  for (const { server } of ways) await until('the bridge is connected', () => server.takers('invite') === 1)
  // Memory first: what it grows to under load is kept, and would hide what a call costs.
  context.say(`${size.held} calls at once`)
  const folder = join(context.folder, 'held')
  await callCalmly({ target: measuring.asking.sipPort, accounts, rate: size.rate, calls: size.rate })
  const memory = await held(daemon, measuring.asking, { size, accounts, folder })
  // Processes and connections are warm before anything counts.
  for (let number = 0; number <= size.rounds; number += 1) {
    context.say(number === 0 ? 'warming up' : `round ${number} of ${size.rounds}`)
    for (const each of ways) {
      const own = join(context.folder, `${each.pid}-${number}`)
      const round = await oneRound(each, { size, accounts, folder: own, redisPid: ground.redis.pid })
      if (number > 0) add(each, round)
    }
  }
  return section(size, ways, memory)
}

function bareBridge({ bare, nextHop }: Measuring): Process {
  const script = fileURLToPath(new URL('./sip/bare-b2bua.ts', import.meta.url))
  const node = fileURLToPath(new URL('../node', import.meta.url))
  const args = [script, String(bare.adminPort), bare.secret, String(nextHop)]
  return new Process({ name: 'the bare bridge', file: node, args })
}

function way(server: DrachtioServer, pid: number): Way {
  return { server, pid, calm: [], full: [], bridgeCpu: 0, serverCpu: 0, redisCpu: 0 }
}

interface Round {
  readonly calm: Timed
  readonly full: Loaded
  readonly cpu: Record<'bridge' | 'server' | 'redis', number>
}

async function oneRound(
  { server, pid }: Way,
  wish: {
    readonly size: DrachtioSize
    readonly accounts: readonly string[]
    readonly folder: string
    readonly redisPid: number
  },
): Promise<Round> {
  const { size, accounts, folder, redisPid } = wish
  const used = async (): Promise<Round['cpu']> => ({
    bridge: await cpuSeconds(pid),
    server: server.pid === undefined ? 0 : await cpuSeconds(server.pid),
    redis: await cpuSeconds(redisPid),
  })
  const before = await used()
  const calls = Math.ceil(size.rate * size.seconds)
  const calm = await callCalmly({ target: server.sipPort, accounts, rate: size.rate, calls })
  const after = await used()
  const full = await load({ target: server.sipPort, accounts, atOnce: size.atOnce, calls: size.calls, folder })
  const spent = (what: keyof Round['cpu']): number => after[what] - before[what]
  return { calm, full, cpu: { bridge: spent('bridge'), server: spent('server'), redis: spent('redis') } }
}

function add(each: Way, { calm, full, cpu }: Round): void {
  each.calm.push(calm)
  each.full.push(full)
  each.bridgeCpu += cpu.bridge
  each.serverCpu += cpu.server
  each.redisCpu += cpu.redis
}

/** Bytes of each call that is up, and processor seconds that it costs in a minute. */
interface Held {
  readonly daemonBytes: number
  readonly serverBytes: number
  readonly daemonCpu: number
  readonly failed: number
}

async function held(
  daemon: Daemon,
  server: DrachtioServer,
  { size, accounts, folder }: { readonly size: DrachtioSize; readonly accounts: readonly string[]; folder: string },
): Promise<Held> {
  const bytes = async (): Promise<readonly [number, number]> => [
    await residentBytes(daemon.pid),
    server.pid === undefined ? 0 : await residentBytes(server.pid),
  ]
  const before = await bytes()
  const talkMs = HELD_MS + (size.held * 1_000) / HELD_RATE
  const calling = load({
    target: server.sipPort,
    accounts,
    atOnce: size.held,
    calls: size.held,
    rate: HELD_RATE,
    talkMs,
    folder,
  })
  const areUp = async (): Promise<boolean> => {
    return Number(/^tollgate_sip_calls (\d+)$/m.exec(await daemon.metrics())?.[1]) >= size.held
  }
  await until('all calls are up', areUp, { withinMs: talkMs, everyMs: 200 })
  const cpuBefore = await cpuSeconds(daemon.pid)
  await pause(HELD_MS / 2)
  const cpu = (await cpuSeconds(daemon.pid)) - cpuBefore
  const after = await bytes()
  const { failed } = await calling
  return {
    daemonBytes: (after[0] - before[0]) / size.held,
    serverBytes: (after[1] - before[1]) / size.held,
    daemonCpu: (cpu * 60_000) / (HELD_MS / 2) / size.held,
    failed,
  }
}

function section(size: DrachtioSize, [bare, asking]: readonly [Way, Way], memory: Held): Section {
  const ratesOf = ({ full }: Way): readonly number[] => full.map(({ ended, seconds }) => ended / seconds)
  const rates = [ratesOf(bare), ratesOf(asking)] as const
  const ratios = rates[0].map((rate, index) => (rates[1][index] ?? 0) / rate)
  const calls = size.rounds * Math.ceil(size.rate * size.seconds)
  const failed = [bare, asking]
    .flatMap(({ calm, full }) => [...calm, ...full])
    .reduce((sum, one) => sum + one.failed, 0)
  const delay = (each: Way, hundredths: number): number =>
    percentile(
      each.calm.flatMap(({ answerMs }) => answerMs),
      hundredths,
    )
  const micros = (seconds: number): number => round((seconds / calls) * 1_000_000, 0)
  const ofServer: readonly Row[] = [
    { name: 'drachtio-server for each call, daemon', value: micros(asking.serverCpu), unit: 'us CPU' },
    { name: 'drachtio-server for each call that is up', value: round(memory.serverBytes / 1024, 1), unit: 'kB' },
  ]
  const rows: readonly Row[] = [
    { name: 'bare bridge', value: round(median(rates[0]), 0), unit: 'calls/s' },
    { name: 'daemon', value: round(median(rates[1]), 0), unit: 'calls/s' },
    ...[50, 99].flatMap((hundredths) => [
      { name: `INVITE to 200, bare: p${hundredths}`, value: round(delay(bare, hundredths)), unit: 'ms' },
      { name: `INVITE to 200, daemon: p${hundredths}`, value: round(delay(asking, hundredths)), unit: 'ms' },
    ]),
    { name: 'bare bridge for each call', value: micros(bare.bridgeCpu), unit: 'us CPU' },
    { name: 'daemon for each call', value: micros(asking.bridgeCpu), unit: 'us CPU' },
    { name: 'Redis for each call', value: micros(asking.redisCpu), unit: 'us CPU' },
    { name: 'daemon for each call that is up', value: round(memory.daemonBytes / 1024, 1), unit: 'kB' },
    { name: 'daemon for each call that is up, a minute', value: round(memory.daemonCpu * 1_000, 2), unit: 'ms CPU' },
    ...(asking.server.pid === undefined ? [] : ofServer),
    { name: 'calls that failed', value: failed + memory.failed, unit: 'calls' },
  ]
  return {
    title: isDouble ? 'Calls over the double of drachtio-server' : 'Calls over drachtio-server',
    command: 'npm run bench -- drachtio',
    rows,
    bars: [
      { name: 'calls a second, daemon of bare bridge', ratio: round(median(ratios)), atLeast: 0.3 },
      { name: 'calls that failed', ratio: failed + memory.failed, atMost: 0 },
    ],
    notes: [
      `sipp calls over UDP to sipp, ${size.rounds} rounds; the two take turns, each over a server of its own. The bare bridge is \`createB2BUA\` of drachtio-srf: it decides nothing, writes nothing and passes nothing on within a call.`,
      `Calls a second are those of ${size.atOnce} calls at once, each hung up 50 ms after its answer; delay and processor time are taken at ${size.rate} calls a second; what a call costs while it is up, with ${size.held} of them. Everything shares the machine.`,
      isDouble
        ? 'The double is written for tests and runs in the process of the bench, so it bounds the calls a second; with `DRACHTIO_TEST_URL` a real server is measured.'
        : 'The connections to its admin port go through the process of the bench.',
    ],
  }
}
