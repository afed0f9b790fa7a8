/** Waits with an end for what drachtio-srf may leave open for ever. */

/** What is answered instead of an outcome that did not come. */
export const LATE = Symbol('late')

/** The promise's outcome, or LATE; what comes after that is nobody's any more, unless the caller listens for it itself. */
export async function inTime<T>(promise: Promise<T>, ms: number): Promise<T | typeof LATE> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => resolve(LATE), ms)
  })
  promise.catch(() => undefined)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
