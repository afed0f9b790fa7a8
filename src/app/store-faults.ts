/** Faults of the store are counted by their codes. */
import { Fault } from '../base/fault.ts'
import type { Metrics } from '../observe/metrics.ts'

export function countStoreFault(metrics: Metrics, error: unknown): void {
  if (!(error instanceof Fault)) return
  switch (error.code) {
    case 'store_unavailable':
    case 'store_timeout':
    case 'store_overloaded':
    case 'store_unfit':
      return metrics.storeFailed(error.code)
    case 'archive_unavailable':
    case 'archive_unfit':
    case 'edge_unreachable':
    case 'config_invalid':
    case 'unexpected':
      return undefined
  }
}
