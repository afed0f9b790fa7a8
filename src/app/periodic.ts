/** What one daemon of all does again and again. */
import type { PeriodicWork } from '../events/event.ts'
import { RedisTurns } from '../store/redis-turns.ts'
import type { Core } from './core.ts'
import type { Loops } from './loops.ts'

const LONGEST_PAUSE_MS = 30_000

/** A daemon that dies in the middle of it leaves its turn to another; work that fails is done again in its time. */
export function startPeriodic(works: readonly PeriodicWork[], core: Core, loops: Loops): void {
  const turns = new RedisTurns(core)
  for (const work of works) {
    const round = async (): Promise<void> => {
      if (await turns.take(`work:${work.name}`, work.everyMs)) await work.run()
    }
    loops.start({ name: work.name, everyMs: () => Math.min(work.everyMs / 2, LONGEST_PAUSE_MS), round })
  }
}
