/** What happens to calls while the store is away, joined to the data folder, the log and the counters. */
import type { CallObserver } from '../calls/parts.ts'
import { OutageDesk, type OutageObserver } from '../calls/outage.ts'
import { accountDefaults } from '../catalog/new-account.ts'
import type { Settings } from '../catalog/settings.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { openSpool } from '../store/spool.ts'
import type { Core } from './core.ts'
import { countStoreFault } from './store-faults.ts'

export interface OutageInput {
  readonly core: Core
  readonly settings: () => Settings
  readonly log: Logger
  readonly metrics: Metrics
}

export interface Outage {
  readonly desk: OutageDesk
  readonly stop: () => Promise<void>
}

export async function startOutage(input: OutageInput): Promise<Outage> {
  const { core, settings, log } = input
  const spool = await openSpool({ dataDir: settings().dataDir, log })
  const observer = outageObserver(core.calls.observer, input)
  const defaults = () => accountDefaults(settings())
  const desk = new OutageDesk(core.calls, { desk: core.desk, spool, defaults, observer })
  return { desk, stop: () => spool.close() }
}

function outageObserver(calls: CallObserver, { log, metrics }: OutageInput): OutageObserver {
  return {
    decided: (decision) => calls.decided(decision),
    storeFailed: (fault) => countStoreFault(metrics, fault),
    waiting: (count) => metrics.spooledCalls(count),
    happened: (what, { call, account }, fault) =>
      log.warn({ what, call, account, err: fault }, 'a call while the store was away'),
  }
}
