/**
 * Connections for queues, apart from the one for money: BullMQ waits on them. Adding fails at once where the store is away;
 * a job that is sent twice has the same id, so nothing is done twice.
 */
import { Cluster, Redis } from 'ioredis'
import { within } from './within.ts'

const ADD_DEADLINE_MS = 5_000
const OPEN_MS = 10_000

const ADDING = { maxRetriesPerRequest: 1, commandTimeout: ADD_DEADLINE_MS }
const WORKING = { maxRetriesPerRequest: null }

type Purpose = 'adding' | 'working'

/** Commands are taken; Fault(store_timeout) after the deadline. */
export async function openQueueConnection(urls: readonly string[], purpose: Purpose): Promise<Redis | Cluster> {
  const client = clientOf(urls, purpose)
  // What uses it hears of its errors as well.
  client.on('error', () => undefined)
  const ready = new Promise<void>((resolve) => void client.once('ready', resolve))
  try {
    await within(ready, { ms: OPEN_MS, late: 'the queues cannot reach Redis' })
  } catch (error) {
    client.disconnect()
    throw error
  }
  return client
}

function clientOf(urls: readonly string[], purpose: Purpose): Redis | Cluster {
  const options = { ...(purpose === 'adding' ? ADDING : WORKING), connectTimeout: 2_000, retryStrategy }
  const [first = ''] = urls
  if (urls.length > 1) {
    const nodes = urls.map((url) => ({ host: new URL(url).hostname, port: Number(new URL(url).port || 6379) }))
    const enableOfflineQueue = purpose === 'working'
    return new Cluster(nodes, { redisOptions: options, enableOfflineQueue, clusterRetryStrategy: retryStrategy })
  }
  return first.startsWith('/') ? new Redis({ ...options, path: first }) : new Redis(first, options)
}

function retryStrategy(attempt: number): number {
  return Math.min(50 * attempt, 1_000)
}
