/** A cluster of three loses a master: what that one held waits, everything else goes on. */
import { hash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { legKey } from '../../src/calls/call-id.ts'
import { Keys, partitionOf } from '../../src/store/keys.ts'
import { type AtEnd, type Daemon, type Decision, Home } from '../app/bench.ts'
import { Edge } from '../app/edge.ts'
import { until } from '../edges/sip/process.ts'
import { type ClusterOptions, startCluster, type TestCluster } from '../support/redis.ts'
import { expectBooks, urlOf } from './ground.ts'

const SETUP_SECONDS = 10
const PARTITIONS = 48
const SETTINGS = [
  'defaults: { tariff: bench, currency: USD, timezone: UTC }',
  'log: { decisions: false }',
  `partitions: ${PARTITIONS}`,
  `calls: { setupSeconds: ${SETUP_SECONDS} }`,
  '',
].join('\n')
const NODE = 'edge'
/** What a lost master holds is refused without waiting for it; the rest of this is for a busy machine. */
const REFUSED_MS = 900
/** A command that was under way when the master died, or one sent to a machine that is gone, ends by its deadline. */
const SLOWEST_MS = 3_500

const keys = new Keys()

/** Names that lie with one of the three masters. */
class Places {
  readonly #client: Redis

  constructor(cluster: TestCluster, atEnd: AtEnd) {
    this.#client = new Redis(urlOf(cluster.masters[1].port))
    atEnd(async () => this.#client.disconnect())
  }

  /** Accounts whose books and whose entry of the directory are with this master. */
  accounts(master: number, count: number): Promise<readonly string[]> {
    return this.#names(`account-${master}`, count, async (name) => {
      const home = await this.#masterOf(keys.account(partitionOf(name, PARTITIONS), name))
      return home === master && (await this.#masterOf(keys.directory(name))) === master
    })
  }

  /** Call-IDs whose entry of the index of legs is with this master. */
  calls(master: number, count: number): Promise<readonly string[]> {
    return this.#names(`call-${master}`, count, async (callId) => {
      const key = legKey({ node: NODE, callId, legId: '' }, (text) => hash('sha256', text, 'hex'))
      return (await this.#masterOf(keys.leg(key))) === master
    })
  }

  async #masterOf(key: string): Promise<number> {
    return Math.floor((Number(await this.#client.call('CLUSTER', 'KEYSLOT', key)) * 3) / 16_384)
  }

  async #names(stem: string, count: number, fits: (name: string) => Promise<boolean>): Promise<readonly string[]> {
    const found: string[] = []
    for (let n = 0; found.length < count && n < 2_000; n += 1) {
      if (await fits(`${stem}-${n}`)) found.push(`${stem}-${n}`)
    }
    expect(found).toHaveLength(count)
    return found
  }
}

interface Ground {
  readonly cluster: TestCluster
  readonly places: Places
  readonly daemon: Daemon
}

async function ground(atEnd: AtEnd, options: ClusterOptions = {}): Promise<Ground> {
  const args = ['--cluster-require-full-coverage', 'no', ...(options.args ?? [])]
  const cluster = await startCluster({ ...options, appendOnly: true, args })
  atEnd(() => cluster.stop())
  const home = await Home.make(atEnd, { 'tollgate.yaml': SETTINGS })
  const daemon = await home.daemon({ redisUrl: cluster.urls.join(',') })
  return { cluster, places: new Places(cluster, atEnd), daemon }
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [T, number]> {
  const beganMs = performance.now()
  const done = await work()
  return [done, performance.now() - beganMs]
}

function authorize(daemon: Daemon, account: string, callId: string): Promise<readonly [Decision, number]> {
  return timed(() => daemon.authorize(account, callId, { node: NODE }))
}

async function expectPutOff(daemon: Daemon, callId: string): Promise<void> {
  const stop = { type: 'stop', node: NODE, callId, seconds: 7 }
  const [told, ms] = await timed(() => daemon.ask('POST', '/v1/calls/events', { body: stop }))
  expect(told.status).toBe(503)
  expect(told.headers.get('retry-after')).not.toBeNull()
  expect(ms).toBeLessThan(REFUSED_MS)
}

async function expectRefused(daemon: Daemon, account: string, callId: string): Promise<void> {
  const [refused, ms] = await authorize(daemon, account, callId)
  expect(refused).toMatchObject({ allow: false, code: 'engine_unavailable', sipCode: 503 })
  expect(ms).toBeLessThan(REFUSED_MS)
}

/** A whole call, each step at once. */
async function expectCall(daemon: Daemon, account: string, callId: string): Promise<void> {
  const [allowed, ms] = await authorize(daemon, account, callId)
  expect(allowed).toMatchObject({ allow: true })
  await daemon.event('start', callId, { node: NODE })
  expect(await daemon.event('stop', callId, { node: NODE, seconds: 2 })).toMatchObject({ charge: '2.000000' })
  expect(ms).toBeLessThan(REFUSED_MS)
}

function isReady(daemon: Daemon): Promise<boolean> {
  return daemon.ask('GET', '/readyz').then(({ status }) => status === 200)
}

/** What lies with one master. */
interface Share {
  /** Under load. */
  readonly busy: readonly string[]
  /** With a call that is up for long. */
  readonly talker: string
  /** With a call whose money ends while the master is gone. */
  readonly brief: string
  /** With a call on one of its channels. */
  readonly rents: string
  readonly callIds: readonly string[]
}

async function shareOf({ daemon, places }: Ground, master: number): Promise<Share> {
  const [talker = '', brief = '', rents = '', ...busy] = await places.accounts(master, 5)
  for (const account of [talker, ...busy]) await daemon.account(account, { credit: '100000.00' })
  await daemon.account(brief, { credit: '3.00' })
  await daemon.account(rents, { trunks: { inbound: 0, outbound: 2, twoWay: 0 } })
  return { busy, talker, brief, rents, callIds: await places.calls(master, 40) }
}

async function begin({ daemon }: Ground, account: string): Promise<void> {
  expect(await daemon.authorize(account, `up-${account}`, { node: NODE })).toMatchObject({ allow: true })
  await daemon.event('start', `up-${account}`, { node: NODE })
}

async function cdrsOf(daemon: Daemon, account: string): Promise<readonly unknown[]> {
  return (await daemon.cdrs(account)).map(({ callId, seconds, charge }) => [callId, seconds, charge])
}

describe('a cluster that loses one of its masters', { timeout: 60_000 }, () => {
  it('under load: what it held is refused at once, the rest goes on, and with its file all does again', async ({
    onTestFinished,
  }) => {
    const stands = await ground(onTestFinished)
    const { cluster, daemon } = stands
    const shares = [await shareOf(stands, 0), await shareOf(stands, 1), await shareOf(stands, 2)] as const
    const [lost, other, third] = shares
    const edges = shares.flatMap(({ busy }) =>
      busy.map((account) => ({
        account,
        edge: new Edge({ account, daemon: () => daemon, parallel: 2, stem: account }),
      })),
    )
    const made = (more: number): (() => boolean) => {
      const wanted = edges.map(({ edge }) => edge.stopped.size + more)
      return () => edges.every(({ edge }, place) => edge.stopped.size >= (wanted[place] ?? 0))
    }
    await until('calls are made everywhere', made(20), { withinMs: 20_000 })
    for (const { talker, rents, brief } of shares)
      for (const account of [talker, rents, brief]) await begin(stands, account)

    await cluster.masters[0].kill()
    const goneAtMs = performance.now()
    const madeMeanwhile = edges.map(({ edge }) => edge.stopped.size)
    const [lostLegs, otherLegs] = [[...lost.callIds], [...other.callIds]]
    while (performance.now() - goneAtMs < 5_000) {
      await expectRefused(daemon, lost.busy[0] ?? '', otherLegs.shift() ?? '')
      // The index of legs is spread over all masters, whatever the account.
      await expectRefused(daemon, other.busy[0] ?? '', lostLegs.shift() ?? '')
      await expectPutOff(daemon, `up-${lost.talker}`)
      await expectCall(daemon, third.talker, otherLegs.shift() ?? '')
      expect(await isReady(daemon)).toBe(true)
      await pause(400)
    }
    await until('what is due elsewhere is done', async () => (await daemon.cdrs(third.brief)).length === 1)
    for (const [place, { account, edge }] of edges.entries()) {
      const more = edge.stopped.size - (madeMeanwhile[place] ?? 0)
      if (lost.busy.includes(account)) expect(more).toBeLessThanOrEqual(4)
      else expect(more).toBeGreaterThan(20)
    }

    await cluster.masters[0].restart()
    await until('calls are made everywhere', made(20), { withinMs: 20_000 })
    await Promise.all(edges.map(({ edge }) => edge.stop()))
    for (const { talker, rents } of shares) {
      expect(await daemon.event('stop', `up-${talker}`, { node: NODE, seconds: 9 })).toMatchObject({
        charge: '9.000000',
      })
      await daemon.event('stop', `up-${rents}`, { node: NODE, seconds: 9 })
    }
    for (const { account, edge } of edges) {
      expect(edge.broken).toEqual([])
      expect(edge.slowestMs).toBeLessThan(SLOWEST_MS)
      expect([...edge.denied.keys()].filter((code) => code !== 'engine_unavailable 503')).toEqual([])
      await expectBooks(daemon, account, edge)
    }
    for (const { talker, rents, brief, busy } of shares) {
      for (const account of [talker, rents, brief, ...busy])
        await daemon.heldNothing(account, (SETUP_SECONDS + 10) * 1_000)
      expect(await cdrsOf(daemon, brief)).toEqual([[`up-${brief}`, 3, '3.000000']])
      expect(await cdrsOf(daemon, rents)).toEqual([[`up-${rents}`, 9, '0.000000']])
      expect(await cdrsOf(daemon, talker)).toContainEqual([`up-${talker}`, 9, '9.000000'])
    }
    expect(await daemon.drifts()).toEqual([])
  })

  it('goes on with its replica as soon as that is promoted', async ({ onTestFinished }) => {
    const stands = await ground(onTestFinished, { replica: true })
    const { cluster, daemon } = stands
    const shares = [await shareOf(stands, 0), await shareOf(stands, 1)] as const
    const [lost, other] = shares
    for (const { talker, rents, brief } of shares)
      for (const account of [talker, rents, brief]) await begin(stands, account)
    const account = other.busy[0] ?? ''
    const edge = new Edge({ account, daemon: () => daemon, parallel: 4 })
    const [lostLegs, otherLegs] = [[...lost.callIds], [...other.callIds]]
    await expectCall(daemon, lost.talker, lostLegs.shift() ?? '')
    // What was answered has reached the replica: that is what this test is exact about, and what WAIT is for.
    await cluster.replicated()

    await cluster.masters[0].kill()
    await expectRefused(daemon, lost.busy[0] ?? '', otherLegs.shift() ?? '')
    await expectPutOff(daemon, `up-${lost.talker}`)
    await expectCall(daemon, other.talker, otherLegs.shift() ?? '')
    const decides = async (): Promise<boolean> => {
      const callId = crypto.randomUUID()
      const { allow } = await daemon.authorize(lost.busy[0] ?? '', callId)
      if (allow) await daemon.event('failed', callId)
      return allow
    }
    await until('decisions are made again', decides, { withinMs: 20_000, everyMs: 100 })
    await expectCall(daemon, lost.talker, lostLegs.shift() ?? '')
    await edge.stop()
    for (const { talker, rents } of shares) {
      expect(await daemon.event('stop', `up-${talker}`, { node: NODE, seconds: 9 })).toMatchObject({
        charge: '9.000000',
      })
      await daemon.event('stop', `up-${rents}`, { node: NODE, seconds: 9 })
    }
    expect(edge.broken).toEqual([])
    await expectBooks(daemon, account, edge)
    for (const { talker, rents, brief, busy } of shares) {
      for (const id of [talker, rents, brief, ...busy]) await daemon.heldNothing(id, (SETUP_SECONDS + 10) * 1_000)
      expect(await cdrsOf(daemon, brief)).toEqual([[`up-${brief}`, 3, '3.000000']])
      expect(await cdrsOf(daemon, talker)).toContainEqual([`up-${talker}`, 9, '9.000000'])
    }
    expect(await daemon.drifts()).toEqual([])
  })
})
