/** Figures of the store that are read now and then, as nobody counts them on the way of a call. */
import type { Metrics } from '../observe/metrics.ts'
import type { Core } from './core.ts'

export async function gauges({ store, keys, partitions }: Core, metrics: Metrics): Promise<void> {
  let live = 0
  // One after the other: it is read now and then, and decisions go before it.
  for (let partition = 0; partition < partitions; partition += 1) {
    live += await store.command((client) => client.zcard(keys.due(partition)))
  }
  metrics.openCalls(live)
  metrics.parkedEvents(await store.command((client) => client.xlen(keys.parked())))
}
