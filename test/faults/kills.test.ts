/** kill -9 of a daemon at a hundred random instants with calls up; the other goes on with them. */
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Daemon, Home } from '../app/bench.ts'
import { Edge } from '../app/edge.ts'
import { until } from '../edges/sip/process.ts'
import { Random } from '../simulation/random.ts'
import { expectBooks, ownRedis } from './ground.ts'

const KILLS = 100
const SETUP_SECONDS = 20
const SETTINGS = [
  'defaults: { tariff: bench, currency: USD, timezone: UTC }',
  'log: { decisions: false }',
  `calls: { setupSeconds: ${SETUP_SECONDS} }`,
  // What takes calls through; the others would make each of a hundred starts take twice as long.
  'roles: [decide, clock]',
  '',
].join('\n')

describe('two daemons, of which one is killed again and again', () => {
  it(`lose no call and charge none twice, whenever it was (${KILLS} kills)`, async ({ onTestFinished }) => {
    const seed = Number(process.env['KILLS_SEED'] ?? Math.floor(Math.random() * 1e9))
    console.log(`KILLS_SEED=${seed}`)
    const random = new Random(seed)
    const redis = await ownRedis(onTestFinished)
    const homes = await Promise.all([0, 1].map(() => Home.make(onTestFinished, { 'tollgate.yaml': SETTINGS })))
    const start = (home: Home | undefined): Promise<Daemon> => {
      if (!home) throw new Error('no home')
      return home.daemon({ redisUrl: redis.server.url })
    }
    const daemons = await Promise.all(homes.map(start))
    const account = (await daemons[0]?.account('busy', { credit: '1000000.00' })) ?? ''
    // An edge that has two daemons asks the next one when it gets no answer.
    let turn = 0
    const next = (): Daemon => {
      turn += 1
      const daemon = daemons[turn % 2]
      if (!daemon) throw new Error('no daemon')
      return daemon
    }
    const edge = new Edge({ account, daemon: next, parallel: 12, repeats: true })
    for (let kill = 0; kill < KILLS; kill += 1) {
      const at = kill % 2
      await pause(random.whole(0, 250))
      await daemons[at]?.kill()
      daemons[at] = await start(homes[at])
    }
    const { size } = edge.stopped
    await until('calls are made', () => edge.stopped.size >= size + 20, { withinMs: 30_000 })
    await edge.stop()
    const [daemon] = daemons
    if (!daemon) throw new Error('no daemon')
    expect(edge.broken).toEqual([])
    expect([...edge.denied.keys()].filter((code) => code !== 'engine_unavailable 503')).toEqual([])
    expect(edge.stopped.size).toBeGreaterThan(KILLS)
    await daemon.heldNothing(account, (SETUP_SECONDS + 10) * 1_000)
    await expectBooks(daemon, account, edge)
  }, 600_000)
})
