/** Figures of the store that are read now and then, as nobody counts them on the way of a call. */
import type { Metrics } from '../observe/metrics.ts'
import type { Core } from './core.ts'

export async function gauges({ store, keys, partitions }: Core, metrics: Metrics): Promise<void> {
  const live = await Promise.all(
    Array.from({ length: partitions }, (_none, partition) =>
      store.command((client) => client.zcard(keys.due(partition))),
    ),
  )
  metrics.openCalls(live.reduce((sum, calls) => sum + calls, 0))
  metrics.parkedEvents(await store.command((client) => client.xlen(keys.parked())))
}
