/**
 * Is this Redis fit to keep money? One that forgets under pressure, that keeps nothing on disk, that follows another or
 * whose clock is wrong is refused, unless the operator takes it as it is.
 */
import { Cluster, type Redis } from 'ioredis'
import { z } from 'zod'
import { Fault } from '../base/fault.ts'
import type { Clock } from '../base/time.ts'
import type { Logger } from '../observe/log.ts'
import type { RedisStore } from './redis.ts'

export interface StoreFinding {
  readonly what: 'version' | 'eviction' | 'append_only' | 'role' | 'clock' | 'cluster'
  readonly status: 'ok' | 'warn' | 'fail'
  /** A sentence for people: what was found, and what to do about it. */
  readonly detail: string
}

export interface FitnessOptions {
  /** The machine's own clock unless told otherwise. */
  readonly clock?: Clock
  /** What is only warned of: an operator who brings a Redis may keep its memory safe by other means. */
  readonly accept?: readonly StoreFinding['what'][]
  readonly log?: Pick<Logger, 'warn'>
}

const MAX_SKEW_MS = 2_000
const machineClock: Clock = { nowMs: () => performance.timeOrigin + performance.now() }

/** Throws Fault(store_unfit) that names everything that is wrong. */
export async function checkStore(store: RedisStore, options: FitnessOptions = {}): Promise<void> {
  const { accept = [], log } = options
  const findings = await storeFindings(store, options.clock)
  const failed = findings.filter(({ what, status }) => status === 'fail' && !accept.includes(what))
  for (const finding of findings) {
    const { what, status, detail } = finding
    if (status !== 'ok' && !failed.includes(finding)) log?.warn({ what, detail }, 'the store')
  }
  if (failed.length === 0) return
  throw new Fault(
    'store_unfit',
    `this Redis cannot keep money:\n${failed.map(({ detail }) => `  ${detail}`).join('\n')}`,
  )
}

/** Every check with what it found; of a cluster, of each master that answers, and whether that is all of them. */
export async function storeFindings(store: RedisStore, clock: Clock = machineClock): Promise<readonly StoreFinding[]> {
  const { client } = store
  if (!(client instanceof Cluster)) return store.command(() => findingsOf(client, '', clock))
  const masters = client.nodes('master')
  const found = await Promise.allSettled(
    masters.map((node) => store.command(() => findingsOf(node, `${placeOf(node)}: `, clock))),
  )
  const answering = masters.filter((_node, place) => found[place]?.status === 'fulfilled')
  const [first] = answering
  if (!first) throw new Fault('store_unavailable', 'no master of the cluster answers', { retryable: true })
  const whole = await store.command(() => clusterFinding(first, answering.map(placeOf)))
  return [...found.flatMap((each) => (each.status === 'fulfilled' ? each.value : [])), whole]
}

function placeOf({ options: { host = '', port = 0 } }: Redis): string {
  return `${host}:${port}`
}

const SLOTS = 16_384

/** Ranges of slots, each with its master first, as CLUSTER SLOTS tells. */
const slotsSchema = z.array(
  z.tuple([z.int(), z.int(), z.tuple([z.string(), z.int()]).rest(z.unknown())]).rest(z.unknown()),
)

async function clusterFinding(client: Redis, answering: readonly string[]): Promise<StoreFinding> {
  const what = 'cluster'
  const advice = 'start it again, or let a replica take its place'
  // A node that is away is none of the client's any more; the others know it.
  const ranges = slotsSchema.parse(await client.cluster('SLOTS'))
  const masters = new Set(ranges.map(([, , [host, port]]) => `${host}:${port}`))
  const silent = [...masters].filter((place) => !answering.includes(place))
  if (silent.length > 0) return { what, status: 'fail', detail: `${silent.join(', ')} does not answer: ${advice}` }
  const info = await client.cluster('INFO')
  const served = Number(/^cluster_slots_ok:(\d+)/m.exec(info)?.[1] ?? 0)
  if (served < SLOTS) {
    return { what, status: 'fail', detail: `a master of ${SLOTS - served} slots is lost: ${advice}` }
  }
  // Whoever rents a Redis may not be let ask.
  const coverage = String(await client.config('GET', 'cluster-require-full-coverage').catch(() => ''))
  if (!coverage.endsWith('yes')) return { what, status: 'ok', detail: 'every slot has a master' }
  const detail = 'one lost master would stop all of them: set cluster-require-full-coverage no'
  return { what, status: 'warn', detail }
}

async function findingsOf(client: Redis, place: string, clock: Clock): Promise<readonly StoreFinding[]> {
  const askedAtMs = clock.nowMs()
  const time = await client.time()
  const answeredAtMs = clock.nowMs()
  const info = await client.info()
  const field = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? ''
  const serverMs = Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000)
  const findings = [
    version(field('redis_version')),
    eviction(field('maxmemory_policy')),
    appendOnly(field('aof_enabled'), field('aof_last_write_status')),
    role(field('role'), `${field('master_host')}:${field('master_port')}`),
    skew(serverMs, askedAtMs, answeredAtMs),
  ]
  return findings.map((finding) => ({ ...finding, detail: `${place}${finding.detail}` }))
}

/** Scripts name their flags in their first line, which older servers take for a mistake. */
function version(text: string): StoreFinding {
  const what = 'version'
  if (Number.parseInt(text, 10) >= 7) return { what, status: 'ok', detail: `Redis ${text}` }
  return { what, status: 'fail', detail: `Redis ${text || 'of unknown version'} is too old: use 7.0 or newer` }
}

function eviction(policy: string): StoreFinding {
  if (policy === 'noeviction') return { what: 'eviction', status: 'ok', detail: 'nothing is evicted' }
  const detail = `maxmemory-policy is ${policy || 'unknown'}: Redis would forget balances; set it to noeviction`
  return { what: 'eviction', status: 'fail', detail }
}

function appendOnly(enabled: string, lastWrite: string): StoreFinding {
  const what = 'append_only'
  if (enabled !== '1') {
    return {
      what,
      status: 'fail',
      detail: 'the append-only file is off: a restart would lose money; set appendonly yes',
    }
  }
  if (lastWrite !== 'ok' && lastWrite !== '') {
    return { what, status: 'fail', detail: 'Redis cannot write its append-only file: look at its log and its disk' }
  }
  return { what, status: 'ok', detail: 'the append-only file is on' }
}

function role(name: string, master: string): StoreFinding {
  const what = 'role'
  if (name === 'master') return { what, status: 'ok', detail: 'it is a master' }
  const found = name === 'slave' ? `a replica of ${master}` : `a ${name || 'server of unknown role'}`
  return { what, status: 'fail', detail: `it is ${found}: set TOLLGATE_REDIS_URL to the master` }
}

/** The answer was made some time between question and answer; only what lies outside of that is skew. */
function skew(serverMs: number, askedAtMs: number, answeredAtMs: number): StoreFinding {
  const skewMs = Math.max(serverMs - answeredAtMs, askedAtMs - serverMs, 0)
  if (skewMs <= MAX_SKEW_MS) return { what: 'clock', status: 'ok', detail: 'its clock agrees with ours' }
  const way = serverMs > answeredAtMs ? 'ahead of' : 'behind'
  const detail = `its clock is ${(skewMs / 1000).toFixed(1)} s ${way} ours: set both by NTP`
  return { what: 'clock', status: 'fail', detail }
}
