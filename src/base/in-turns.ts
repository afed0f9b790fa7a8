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

/** The same, where one that fails fails all: the first fault is thrown when every item had its turn. */
export async function eachInTurn<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const outcomes = await inTurns(items, atOnce, work)
  const failed = outcomes.find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}
