/** Builds every part once and joins them. What a part does is in its own folder. */
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { bootstrapKey, type BootstrapKey } from './app/bootstrap-key.ts'
import { buildCore, type Core } from './app/core.ts'
import { startArchive } from './app/archive.ts'
import { startOutage } from './app/outage.ts'
import type { OutageDesk } from './calls/outage.ts'
import { type Exports, openExports } from './app/exports.ts'
import { close, listen } from './app/http-listener.ts'
import { openNotices } from './app/notices.ts'
import { archivePort, auditPort, keyPort, tariffPort } from './app/http-parts.ts'
import { type Jobs, openJobs } from './app/jobs.ts'
import { openPayments, type Payments } from './app/payments.ts'
import { seed } from './app/seed.ts'
import { seedMarks } from './app/seed-marks.ts'
import { startSelfWork } from './app/self-work.ts'
import { startSipEdge } from './app/sip-edge.ts'
import { socketDesk } from './app/socket-desk.ts'
import { SteadyClock } from './app/steady-clock.ts'
import { type Stops, stopAll } from './app/stopping.ts'
import { openStorageFees, type StorageFees } from './app/storage-fee.ts'
import { startStore } from './app/store.ts'
import { undelivered } from './app/undelivered.ts'
import { Fault } from './base/fault.ts'
import type { Archive } from './archive/archive.ts'
import type { RefusalCode } from './base/outcome.ts'
import { CurrentCatalog, type ReloadResult } from './catalog/current.ts'
import { type ConfigProblem, formatProblem } from './catalog/problems.ts'
import type { ConfigSource, Settings } from './catalog/settings.ts'
import { BOARD_PATH } from './edges/http/ops/board-path.ts'
import type { HttpParts } from './edges/http/parts.ts'
import { createHttpServer } from './edges/http/server.ts'
import { sipReplies } from './edges/http/sip-replies.ts'
import { CallControlServer } from './edges/socket/call-control.ts'
import { createLog, type Logger } from './observe/log.ts'
import { Metrics } from './observe/metrics.ts'
import { rememberMs } from './calls/schedule.ts'
import { Rerating } from './rerating/rerating.ts'
import { StatementDesk } from './statements/statement-desk.ts'
import { StoredUsage } from './usage/stored-usage.ts'
import { UsageDesk } from './usage/summary.ts'

export interface App {
  /** Where the API is. */
  readonly url: string
  /** Where the bootstrap key can be read; absent when the environment named it. */
  readonly keyPath?: string
  readonly log: Logger
  /** Resolves with the bug when a promise of our own code was broken: the process drains and ends. */
  readonly broken: Promise<Error>
  /** Reads the config folder again and puts it in force in one step, or keeps the old one and says why. */
  readonly reload: () => Promise<ReloadResult>
  /** Takes no new work, finishes what is under way, and ends; calls live in the store and go on. */
  readonly stop: () => Promise<void>
}

interface Building {
  readonly catalog: CurrentCatalog
  readonly clock: SteadyClock
  readonly log: Logger
  readonly metrics: Metrics
  readonly state: { started: boolean; draining: boolean }
  readonly stops: Stops
}

export async function createApp(source: ConfigSource): Promise<App> {
  const catalog = await CurrentCatalog.open(source)
  const { settings } = catalog.inForce
  const log = createLog({ level: settings.log.level })
  logWarnings(log, catalog.firstWarnings)
  const metrics = new Metrics()
  metrics.collectProcess()
  const building: Building = {
    catalog,
    clock: new SteadyClock({ wallMs: () => Date.now(), passedMs: () => performance.now() }),
    log,
    metrics,
    state: { started: false, draining: false },
    stops: { work: [], grounds: [] },
  }
  try {
    return await build(building)
  } catch (error) {
    await stop(building)
    throw error
  }
}

async function build(building: Building): Promise<App> {
  const { catalog, clock, log, metrics, state, stops } = building
  const settings = () => catalog.inForce.settings
  await makeDataDir(settings().dataDir)
  const started = await startStore(settings(), log, metrics)
  const { store } = started
  stops.grounds.unshift(started.stop)
  const core = await buildCore({ store, catalog, clock, log, metrics })
  const putToUse = () => seed({ ...core, log, marks: seedMarks(core) }, catalog.inForce)
  await core.tariffs.refresh()
  await putToUse()
  await core.tariffs.refresh()
  const bootstrap = await bootstrapKey(settings().apiKey, settings().dataDir)
  const outage = await startOutage({ core, settings, log, metrics })
  stops.grounds.unshift(outage.stop)
  const { archive, ...archived } = await startArchive({ core, settings, log, metrics })
  stops.grounds.unshift(archived.close)
  stops.work.push(archived.rest)
  const payments = await openPayments({ core, settings, log, metrics })
  const notices = openNotices({ core, settings, log, metrics })
  stops.grounds.unshift(notices.stop)
  const consumers = [...payments.consumers, notices.consumer]
  const storage = openStorageFees(core, settings)
  const periodic = [...payments.periodic, ...storage.periodic]
  const jobs = await openJobs({ core, settings, log, metrics, consumers, periodic })
  stops.grounds.unshift(jobs.close)
  const usage = usageDesk(core, archive, settings)
  const exports = openExports({ core, archive, usage, queues: jobs.queues, settings, log })
  stops.work.push(exports.rest)
  const { broken, bug } = brokenPromise()
  const edges = { core, outage: outage.desk, archive, jobs, usage, exports, payments, storage, bootstrap, bug }
  const board = settings().http.jobsBoard ? await jobs.queues.board(BOARD_PATH) : undefined
  const server = await createHttpServer({ ...httpParts(building, edges), receipts: notices.receipts, board })
  stops.work.push(() => close(server))
  await startSocket(building, edges)
  stops.work.push(await startSelfWork({ core, outage: outage.desk, clock, settings, log, metrics }))
  if (settings().roles.includes('jobs')) stops.work.push(await jobs.start())
  const stopSip = await startSipEdge({ core, outage: outage.desk, catalog, log, metrics, ...sipAnswers(building) })
  if (stopSip) stops.work.push(stopSip)
  const url = await listen(server, settings().http)
  state.started = true
  return {
    url,
    log,
    broken,
    reload: () => reload(building, putToUse),
    stop: () => stop(building),
    ...(bootstrap.path === undefined ? {} : { keyPath: bootstrap.path }),
  }
}

function usageDesk({ office, clock }: Core, archive: Archive, settings: () => Settings): UsageDesk {
  const hotDays = () => settings().archive.hotDays
  return new UsageDesk({ office, store: new StoredUsage(office), archive: archive.usage, clock, hotDays })
}

async function makeDataDir(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Fault('config_invalid', `the data folder cannot be made: ${why}`, { cause: error })
  }
}

function brokenPromise(): { readonly broken: Promise<Error>; readonly bug: (error: Error) => void } {
  const { promise, resolve } = Promise.withResolvers<Error>()
  return { broken: promise, bug: resolve }
}

interface EdgeContext {
  readonly core: Core
  /** Calls are decided and told through it, so that the store may be away. */
  readonly outage: OutageDesk
  readonly archive: Archive
  readonly jobs: Jobs
  readonly usage: UsageDesk
  readonly exports: Exports
  readonly payments: Payments
  readonly storage: StorageFees
  readonly bootstrap: BootstrapKey
  readonly bug: (error: Error) => void
}

function httpParts(
  { catalog, clock, log, metrics, state }: Building,
  { core, outage, archive, jobs, usage, exports, payments, storage, bootstrap, bug }: EdgeContext,
): Omit<HttpParts, 'receipts'> {
  const { desk, office, tariffs, apiKeys, audit, store } = core
  return {
    desk: {
      authorize: (request) => outage.authorize(request),
      extend: (request) => outage.extend(request),
      event: (event) => outage.event(event),
      edgeEvent: (event) => desk.edgeEvent(event),
      quote: (request) => desk.quote(request),
      end: (call, reason) => desk.end(call, reason),
      find: (call) => desk.explained(call),
      list: (filter) => desk.list(filter),
      payerOf: (leg) => desk.payerOf(leg),
    },
    office,
    tariffs: tariffPort(tariffs, clock),
    usage,
    statements: new StatementDesk({ archive: archive.statements, usage }),
    storage: storage.desk,
    rerating: new Rerating({
      ...{ usage, archive: archive.usage, ledger: core.calls.ledger, accounts: office, tariffs, clock },
      rememberMs: () => rememberMs(core.calls.policy()),
    }),
    exports: exports.desk,
    payments: payments.port,
    keys: keyPort(bootstrap, apiKeys),
    audit: auditPort(audit),
    archive: archivePort(core, archive),
    jobs: jobs.queues,
    webhooks: jobs.webhooks,
    events: {
      log: jobs.events,
      mostStreams: () => catalog.inForce.settings.events.streams,
      listenToCalls: jobs.listenToCalls,
    },
    health: {
      async ready() {
        const reachable = await store.answers()
        const detail = { store: reachable ? 'ready' : 'away', draining: state.draining, started: state.started }
        return { ready: reachable && state.started && !state.draining, detail }
      },
      started: () => state.started,
      draining: () => state.draining,
    },
    metrics,
    clock,
    log,
    replies: sipAnswers({ catalog, state }).replies,
    bug,
  }
}

function sipAnswers({ catalog, state }: Pick<Building, 'catalog' | 'state'>) {
  return {
    replies: (code: RefusalCode) => catalog.inForce.settings.sipReplies[code] ?? sipReplies[code],
    ready: () => state.started && !state.draining,
  }
}

/** The call_control socket, where the settings ask for one. */
async function startSocket(
  { catalog, clock, stops, log, metrics }: Building,
  { core, outage }: EdgeContext,
): Promise<void> {
  const { callControl, dataDir } = catalog.inForce.settings
  if (!callControl.enabled) return
  const desk = socketDesk({
    authorize: (request) => outage.authorize(request),
    event: (event) => outage.event(event),
    fallbackAccount: () => catalog.inForce.settings.callControl.account,
    identifies: (query) => core.calls.identify({ ...query, direction: 'outbound' }) !== undefined,
  })
  const server = new CallControlServer(desk, {
    path: resolve(dataDir, callControl.socket),
    node: callControl.node,
    clock,
    undelivered: undelivered('call_control', { log, metrics }),
  })
  await server.start()
  stops.work.push(() => server.stop())
}

async function reload(
  { catalog, clock, log, metrics }: Building,
  putToUse: () => Promise<void>,
): Promise<ReloadResult> {
  const result = await catalog.reload()
  metrics.reloaded(result.kind === 'reloaded', clock.nowMs())
  if (result.kind === 'kept') {
    log.error({ problems: result.problems }, 'the configuration is not valid; the old one stays in force')
    return result
  }
  await putToUse()
  logWarnings(log, result.warnings)
  log.info({ needRestart: result.needRestart }, 'the configuration was reloaded')
  return result
}

function logWarnings(log: Logger, warnings: readonly ConfigProblem[]): void {
  for (const warning of warnings) log.warn({ warning: formatProblem(warning) }, 'the configuration is unsafe or odd')
}

async function stop({ state, stops, log }: Building): Promise<void> {
  state.draining = true
  await stopAll(stops, log)
}
