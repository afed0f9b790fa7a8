/** Works on many things, so many at a time: the store's connection is shared, and what is under way on it is bounded. */
export async function inTurns<T, R>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<readonly PromiseSettledResult<R>[]> {
  const outcomes: PromiseSettledResult<R>[] = []
  const left = Iterator.from(items)
  const turns = Array.from({ length: atOnce }, async () => {
    for (const item of left) outcomes.push(...(await Promise.allSettled([work(item)])))
  })
  await Promise.all(turns)
  return outcomes
}

/** Why those failed that did, in the order they ended. */
export function failuresOf(outcomes: readonly PromiseSettledResult<unknown>[]): readonly Error[] {
  return outcomes.flatMap((outcome) => {
    if (outcome.status === 'fulfilled') return []
    const reason: unknown = outcome.reason
    return [reason instanceof Error ? reason : new Error(String(reason))]
  })
}
