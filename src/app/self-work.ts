/** What the daemon does without being asked: the clock of calls, rounds of the edges, fresh books, gauges. */
import type { AccountOffice } from '../accounts/office.ts'
import { Fault } from '../base/fault.ts'
import type { Clock } from '../base/time.ts'
import type { OutageDesk } from '../calls/outage.ts'
import { ListRounds } from '../calls/rounds.ts'
import type { Settings } from '../catalog/settings.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { DueAccounts } from '../store/due-accounts.ts'
import { RedisNews } from '../store/news.ts'
import { RedisTurns } from '../store/redis-turns.ts'
import type { Core } from './core.ts'
import { gauges } from './gauges.ts'
import { Loops } from './loops.ts'
import { type SteadyClock, StepWatch } from './steady-clock.ts'
import { countStoreFault } from './store-faults.ts'

const TARIFF_REFRESH_MS = 1_000
const LIST_ROUND_MS = 1_000
const GAUGE_MS = 5_000
const OUTAGE_MS = 5_000
const STEP_MS = 1_000
const CYCLES_MS = 1_000
const CYCLES_AT_ONCE = 100

export interface SelfWorkParts {
  readonly core: Core
  readonly outage: OutageDesk
  readonly clock: SteadyClock
  readonly settings: () => Settings
  readonly log: Logger
  readonly metrics: Metrics
}

/** Starts it; the answer ends it when the rounds under way are over, and edges have heard what they were asked. */
export async function startSelfWork(parts: SelfWorkParts): Promise<() => Promise<void>> {
  const { core, outage, clock, settings, log, metrics } = parts
  const loops = new Loops(log, (_name, error) => countStoreFault(metrics, error))
  const stopNews = await hearNews(core)
  loops.start({ name: 'tariffs', everyMs: () => TARIFF_REFRESH_MS, round: () => core.tariffs.refresh() })
  loops.start({ name: 'gauges', everyMs: () => GAUGE_MS, round: () => gauges(core, metrics) })
  const steps = new StepWatch(clock, log)
  loops.start({ name: 'clock steps', everyMs: () => STEP_MS, round: () => Promise.resolve(steps.look()) })
  loops.start({ name: 'outage', everyMs: () => OUTAGE_MS, round: () => outage.settleSilent() })
  if (settings().roles.includes('clock')) {
    loops.start({ name: 'clock', everyMs: () => settings().calls.tickMs, round: () => core.desk.clockwork.tick() })
    const dueCycles = new DueAccounts(core, 'turns')
    loops.start({ name: 'cycles', everyMs: () => CYCLES_MS, round: () => turnCycles(core, dueCycles) })
    const rounds = new ListRounds(core.calls, core.desk.edges, new RedisTurns(core))
    const listAll = async () => {
      const asked = await Promise.allSettled(core.controls.listed().map((edge) => rounds.round(edge)))
      const failed = asked.find((round) => round.status === 'rejected')
      if (failed) throw failed.reason
    }
    loops.start({ name: 'edge lists', everyMs: () => LIST_ROUND_MS, round: listAll })
  }
  return async () => {
    await loops.stop()
    await core.desk.clockwork.idle()
    await stopNews()
  }
}

/**
 * Late, twice or by two daemons at once, a cycle turns once. An account whose cycles do not turn holds up no other, and is
 * told of at the end; a store that is away ends the round.
 */
export async function turnCycles(
  { office, clock }: { readonly office: Pick<AccountOffice, 'turnCycles'>; readonly clock: Clock },
  dueCycles: Pick<DueAccounts, 'at'>,
): Promise<void> {
  const failures: unknown[] = []
  for await (const account of dueCycles.at(clock.nowMs(), CYCLES_AT_ONCE)) {
    try {
      await office.turnCycles(account)
    } catch (error) {
      if (error instanceof Fault && error.retryable) throw error
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}

/** Other daemons say what they changed, so that caches are dropped at once; scripts refuse what is old in any case. */
function hearNews({ store, keys, office, tariffs, apiKeys }: Core): Promise<() => Promise<void>> {
  return new RedisNews(store, keys).listen((news) => {
    if (news.kind === 'account') office.forget(news.account)
    else if (news.kind === 'api_key') apiKeys.forget(news.id)
    else tariffs.refresh().catch(() => undefined)
  })
}
