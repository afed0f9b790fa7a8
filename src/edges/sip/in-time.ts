/** Waits with an end for what drachtio-srf may leave open for ever. */

/** What is answered instead of an outcome that did not come. */
export const LATE = Symbol('late')

/**
 * The promise's outcome, or LATE, at once where `lost` aborts; what comes after that is nobody's any more, unless the caller
 * listens for it itself.
 */
export async function inTime<T>(promise: Promise<T>, ms: number, lost?: AbortSignal): Promise<T | typeof LATE> {
  const late = Promise.withResolvers<typeof LATE>()
  const giveUp = (): void => late.resolve(LATE)
  const timer = setTimeout(giveUp, lost?.aborted ? 0 : ms)
  lost?.addEventListener('abort', giveUp)
  promise.catch(() => undefined)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
    lost?.removeEventListener('abort', giveUp)
  }
}
