/** The use cases on the store: everything of the daemon but its edges and what it does by itself. */
import { hash, randomBytes } from 'node:crypto'
import type { Clock } from '../base/time.ts'
import { CallDesk } from '../calls/desk.ts'
import type { CallParts } from '../calls/parts.ts'
import type { CurrentCatalog } from '../catalog/current.ts'
import { accountDefaults } from '../catalog/new-account.ts'
import { createCallObserver } from '../observe/call-observer.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { Keys, partitionOf } from '../store/keys.ts'
import { RedisAccountOffice } from '../store/redis-accounts.ts'
import { RedisApiKeys } from '../store/redis-api-keys.ts'
import { RedisAudit } from '../store/redis-audit.ts'
import { RedisCallLedger } from '../store/redis-call-ledger.ts'
import { RedisParking } from '../store/redis-parking.ts'
import { RedisTariffBook } from '../store/redis-tariffs.ts'
import { RedisStreams } from '../store/redis-streams.ts'
import type { RedisStore } from '../store/redis.ts'
import { identify } from '../trunks/identify.ts'
import { EdgeControls } from './controls.ts'
import { installedPartitions } from './installation.ts'
import { callPolicies } from './policy.ts'

/** Legs are claimed for longer than a call can last and be remembered. */
const LEG_MARGIN_MS = 2 * 86_400_000
const DAY_MS = 86_400_000

export interface CoreParts {
  readonly store: RedisStore
  readonly catalog: CurrentCatalog
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

export interface Core {
  readonly store: RedisStore
  readonly keys: Keys
  readonly clock: Clock
  readonly partitions: number
  readonly office: RedisAccountOffice
  readonly tariffs: RedisTariffBook
  readonly apiKeys: RedisApiKeys
  readonly streams: RedisStreams
  readonly audit: RedisAudit
  readonly controls: EdgeControls
  readonly calls: CallParts
  readonly desk: CallDesk
}

export async function buildCore(parts: CoreParts): Promise<Core> {
  const { store, catalog, clock } = parts
  const settings = () => catalog.inForce.settings
  const keys = new Keys()
  const partitions = await installedPartitions(store, keys, { partitions: settings().partitions, clock })
  const stored = { store, keys, partitions, clock }
  const streams = new RedisStreams(stored)
  const defaults = () => accountDefaults(settings())
  const office = new RedisAccountOffice({ ...stored, defaults, ids: () => randomBytes(8).toString('hex') })
  const tariffs = new RedisTariffBook(stored)
  const controls = new EdgeControls(settings, clock)
  const calls = callParts({ ...parts, keys, partitions, office, tariffs, controls })
  return {
    ...stored,
    office,
    tariffs,
    controls,
    calls,
    apiKeys: new RedisApiKeys(stored),
    streams,
    audit: new RedisAudit({ ...stored, journal: streams }),
    desk: new CallDesk(calls),
  }
}

type CallPartsInput = CoreParts & Pick<Core, 'keys' | 'partitions' | 'office' | 'tariffs' | 'controls'>

function callParts(parts: CallPartsInput): CallParts {
  const { store, keys, partitions, catalog, clock, log, metrics, office, tariffs, controls } = parts
  const digest = (text: string) => hash('sha256', text, 'hex')
  const legTtlMs = catalog.inForce.settings.calls.rememberDays * DAY_MS + LEG_MARGIN_MS
  const writesDecisions = () => catalog.inForce.settings.log.decisions
  return {
    ledger: new RedisCallLedger({ store, keys, digest, legTtlMs }),
    accounts: office,
    tariffs,
    policy: callPolicies(() => catalog.inForce.settings),
    identify: (query) => identify(catalog.inForce.trunkRules, query),
    controlOf: (node) => controls.of(node),
    observer: createCallObserver({ log, metrics, writesDecisions }),
    parking: new RedisParking(store, keys),
    clock,
    digest,
    partitions,
    partitionOf: (text) => partitionOf(text, partitions),
  }
}
