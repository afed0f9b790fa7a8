/** Joins the SIP edge to the use cases of calls, where the settings ask for one. */
import { randomBytes } from 'node:crypto'
import { isEmergency } from '../calls/authorize.ts'
import type { CallRecord } from '../calls/call.ts'
import { affordableHops } from '../calls/hop-prices.ts'
import type { OutageDesk } from '../calls/outage.ts'
import type { CurrentCatalog } from '../catalog/current.ts'
import { SipEdge } from '../edges/sip/edge.ts'
import type { CallerWords, Routed, SipReply, TrunkGroup } from '../edges/sip/parts.ts'
import type { RefusalCode } from '../base/outcome.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { type Identified, identify, type TrunkRules } from '../trunks/identify.ts'
import { contains, type Network, parseNetwork, parsePeer } from '../trunks/network.ts'
import type { Core } from './core.ts'
import { sharedSecret } from './installation.ts'
import { Loops } from './loops.ts'
import { countStoreFault } from './store-faults.ts'
import { undelivered } from './undelivered.ts'

/** Calls are presumed over after `aliveWithinSeconds`, of which there are 30 at least. */
const ALIVE_MS = 10_000
const FIGURES_MS = 1_000
const PAGE = 200
const DEFAULT_GROUP = 'default'

export interface SipEdgeParts {
  readonly core: Core
  readonly outage: OutageDesk
  readonly catalog: CurrentCatalog
  readonly replies: (code: RefusalCode) => SipReply
  readonly ready: () => boolean
  readonly log: Logger
  readonly metrics: Metrics
}

/** Connects; the answer ends it when INVITEs under way are answered. Undefined where the settings want no SIP edge. */
export async function startSipEdge(parts: SipEdgeParts): Promise<(() => Promise<void>) | undefined> {
  const { core, outage, catalog, replies, ready, log, metrics } = parts
  const { sip } = catalog.inForce.settings
  if (!sip.enabled) return undefined
  const trusted = sip.trustedSources.map(networkOf)
  const nonceKey = await sharedSecret(core.store, core.keys)
  const told = undelivered('sip', { log, metrics })
  const edge = new SipEdge({
    desk: {
      authorize: (request) => outage.authorize(request),
      quote: (request) => core.desk.quote(request),
      event: (event) => outage.event(event),
      find: (call) => core.desk.find(call),
      callOf: (leg) => core.desk.callOf(leg),
      live: () => liveCalls(core, sip.node),
    },
    node: sip.node,
    instance: `${core.calls.clock.nowMs()}-${randomBytes(4).toString('hex')}`,
    servers: sip.servers,
    digest: { realm: sip.realm, algorithm: sip.digestAlgorithm, nonceKey },
    warning: sip.warning,
    invitesPerSecond: sip.invitesPerSecond,
    routeOf: (words) => routeOf(catalog, words),
    trusts: (source) => {
      const address = parsePeer(source)
      return address !== undefined && trusted.some((network) => contains(network, address))
    },
    affordable: (hops, call) => affordableHops(core.calls, hops, call),
    replies,
    ready,
    observes: Object.values(sip.groups).some(({ mode }) => mode === 'observe'),
    metrics,
    undelivered: (error, { type, leg }) => told(error, { type, callId: leg.callId }),
    clock: core.calls.clock,
    log,
  })
  core.controls.provide(sip.node, edge.control)
  edge.start()
  const loops = new Loops(log, (_name, error) => countStoreFault(metrics, error))
  loops.start({ name: 'sip figures', everyMs: () => FIGURES_MS, round: async () => metrics.sip(edge.figures) })
  loops.start({ name: 'sip calls', everyMs: () => ALIVE_MS, round: () => edge.tick() })
  return async () => {
    await Promise.all([loops.stop(), edge.stop()])
  }
}

/** Calls that no rule knows go the way of the default group, should they be let in. */
function routeOf({ inForce }: CurrentCatalog, words: CallerWords): Routed {
  const found = identifyCaller(inForce.trunkRules, words)
  const { sip, emergency } = inForce.settings
  const group: TrunkGroup = sip.groups[found?.group ?? DEFAULT_GROUP] ?? NOWHERE
  const { account, trunk, direction = 'outbound', digest } = found ?? {}
  const isFree = direction === 'outbound' && isEmergency(words.to, emergency.numbers)
  return { ...(account && { account, trunk }), direction, group, ...(digest && { digest }), isEmergency: isFree }
}

/** Who is nobody's user must prove what the first rule that fits asks for: a wrong name opens no later rule. */
function identifyCaller(rules: TrunkRules, { user, ...arrival }: CallerWords): Identified | undefined {
  const claimed = user === undefined ? undefined : identify(rules, { ...arrival, user: { name: user } })
  return claimed?.digest ? claimed : identify(rules, { ...arrival, user: 'anybody' })
}

/** Of a call whose group is not there: it is refused for want of a route. */
const NOWHERE: TrunkGroup = {
  mode: 'b2bua',
  hops: [],
  lossless: false,
  tryMs: 1,
  ringSeconds: 1,
  copyHeaders: [],
  sessionSeconds: 90,
  cutStatus: 402,
}

function networkOf(text: string): Network {
  const network = parseNetwork(text)
  if (typeof network === 'string') throw new TypeError(`${text} ${network}`)
  return network
}

async function* liveCalls({ desk }: Core, node: string): AsyncGenerator<CallRecord> {
  let cursor: string | undefined
  do {
    const page = await desk.list({ node, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) })
    yield* page.items
    cursor = page.nextCursor
  } while (cursor !== undefined)
}
