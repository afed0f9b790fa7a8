/** Runs one world from a seed: traffic until so many calls were made, then time until nothing is up any more. */
import { decodeCall } from '../../src/store/call-codec.ts'
import { RedisAudit } from '../../src/store/redis-audit.ts'
import { RedisStreams } from '../../src/store/redis-streams.ts'
import type { RedisStore } from '../../src/store/redis.ts'
import { streamEntries } from '../../src/store/replies.ts'
import type { Cdr } from '../../src/usage/cdr.ts'
import { Player } from './player.ts'
import { Random } from './random.ts'
import { PARTITIONS, Stage, type Wrap } from './stage.ts'
import { Traffic } from './traffic.ts'
import { randomWorld, type Step, type WorldSpec } from './worlds.ts'

export interface WorldRun {
  readonly seed: number
  readonly calls: number
  readonly store: RedisStore
  /** Of its keys: worlds share a server. */
  readonly prefix: string
  readonly wrap?: Wrap
}

export interface WorldResult {
  readonly calls: number
  readonly steps: number
  readonly entries: number
  readonly counts: ReadonlyMap<string, number>
}

/** The world that failed, with all that happened in it. */
export class SimulationFailure extends Error {
  readonly seed: number
  readonly spec: WorldSpec
  readonly history: readonly Step[]

  constructor(
    run: { readonly seed: number },
    spec: WorldSpec,
    found: { readonly history: readonly Step[]; readonly cause: unknown },
  ) {
    super(found.cause instanceof Error ? found.cause.message : String(found.cause), { cause: found.cause })
    this.seed = run.seed
    this.spec = spec
    this.history = found.history
  }
}

export async function runWorld(run: WorldRun): Promise<WorldResult> {
  const random = new Random(run.seed)
  const spec = randomWorld(random)
  const history: Step[] = []
  const stage = new Stage({ ...run, spec })
  const traffic = new Traffic(random, spec, (what) => player.count(what))
  const player = new Player(stage, (call, allowed) => traffic.heard(call, allowed))
  try {
    await stage.open()
    await player.watch.look()
    while (traffic.calls < run.calls) {
      const step = traffic.next()
      history.push(step)
      await player.play(step)
    }
    await settleDown(stage, player)
    await expectAllOver(stage, player)
  } catch (cause) {
    throw new SimulationFailure(run, spec, { history, cause })
  }
  return { calls: traffic.calls, steps: history.length, entries: player.watch.entries, counts: player.counts }
}

/** The same world and the given steps; the error they lead to, undefined when they lead to none. */
export async function replay(
  run: Omit<WorldRun, 'calls' | 'seed'>,
  spec: WorldSpec,
  steps: readonly Step[],
): Promise<string | undefined> {
  const stage = new Stage({ ...run, spec })
  const player: Player = new Player(stage)
  try {
    await stage.open()
    await player.watch.look()
    for (const step of steps) await player.play(step)
    await settleDown(stage, player)
    await expectAllOver(stage, player)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const MAX_LOOKS = 5_000

async function settleDown(stage: Stage, player: Player): Promise<void> {
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    const dueMs = await player.nextDueMs()
    if (dueMs === undefined) return player.watch.look()
    stage.clock.set(Math.max(dueMs, stage.clock.nowMs()))
    await stage.tick(looks)
  }
  throw new Error('calls do not end')
}

/** Nothing is held, nobody is counted, each call that ended has one CDR of each level and revision, and the audit agrees. */
async function expectAllOver(stage: Stage, player: Player): Promise<void> {
  for (const spec of stage.accounts.values()) {
    const { reserved, calls, channels } = player.watch.funds(spec)
    const used = channels.inbound + channels.outbound + channels.twoWay
    if (reserved !== 0n || calls > 0 || used > 0)
      throw new Error(`in the end ${spec.id} has ${reserved} put aside, ${calls} calls and ${used} channels`)
  }
  await expectCdrs(stage, player)
  const parts = { keys: stage.keys, store: stage.store, partitions: PARTITIONS }
  const { drifts } = await new RedisAudit({ ...parts, journal: new RedisStreams(parts) }).verify()
  if (drifts.length > 0) throw new Error(`the audit finds ${JSON.stringify(drifts.slice(0, 3))}`)
}

async function expectCdrs({ keys, store, accounts }: Stage, player: Player): Promise<void> {
  const written = new Map<string, number>()
  for (const partition of new Set([...player.watch.records()].map((record) => record.partition))) {
    const entries = streamEntries(await store.command((client) => client.xrange(keys.cdrs(partition), '-', '+')))
    for (const { fields } of entries) {
      const { call, level, revision } = JSON.parse(fields['j'] ?? '{}') as Cdr
      const name = `${call} ${level} ${revision}`
      written.set(name, (written.get(name) ?? 0) + 1)
    }
  }
  for (const [name, times] of written) if (times > 1) throw new Error(`${times} CDRs of ${name}`)
  for (const { partition, legKey } of player.watch.records()) {
    const text = await store.command((client) => client.get(keys.call(partition, legKey)))
    const record = text === null ? undefined : decodeCall(text)
    if (!record || !['ended', 'failed'].includes(record.state))
      throw new Error(`call ${legKey} is ${record?.state ?? 'gone'} in the end`)
    if (record.state !== 'ended') continue
    for (const level of record.levels.keys()) {
      if (!written.has(`${record.call} ${level} ${record.corrections}`))
        throw new Error(`no CDR of call ${record.call}, level ${level}, revision ${record.corrections}`)
    }
  }
  if (accounts.size === 0) throw new Error('there are no accounts')
}
