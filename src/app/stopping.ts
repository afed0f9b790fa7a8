/** How a daemon ends: what takes requests finishes those under way, all at once and in a stated time; then the store. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from '../observe/log.ts'

export type Stop = () => Promise<unknown>

export interface Stops {
  /** Of what takes requests or works by itself. */
  readonly work: Stop[]
  /** Of what that works on, the last one first. */
  readonly grounds: Stop[]
}

/** A client that never finishes its request, or an edge that hangs, is not waited for any longer. */
const DRAIN_MS = 3_500

/** Stops everything, each thing once; what cannot be stopped does not keep the rest from it. */
export async function stopAll({ work, grounds }: Stops, log: Logger): Promise<void> {
  const draining = Promise.all(work.splice(0).map((stop) => attempt(stop, log)))
  const late = new AbortController()
  const drained = await Promise.race([
    draining.then(() => true),
    pause(DRAIN_MS, false, { signal: late.signal }).catch(() => false),
  ])
  late.abort()
  if (!drained) log.warn(`requests were under way for longer than ${DRAIN_MS} ms`)
  for (const stop of grounds.splice(0)) await attempt(stop, log)
}

async function attempt(stop: Stop, log: Logger): Promise<void> {
  try {
    await stop()
  } catch (error) {
    log.error({ err: error }, 'something could not be stopped')
  }
}
