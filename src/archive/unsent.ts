/**
 * postgres.js (3.4.9) sends what was written from a timer. When a server dies with a transaction under way, its `rollback` is
 * written to a connection that is closed, and the timer throws where nobody can catch it: the process would end, and the calls with
 * it. The transaction is rejected all the same, and its client given up (database.ts).
 */
export function surviveUnsent(): void {
  if (!process.listeners('uncaughtException').includes(survive)) process.on('uncaughtException', survive)
}

function survive(error: unknown): void {
  if (error instanceof TypeError && /at \S*nextWrite \(.*\/postgres\/.*connection\.js/.test(error.stack ?? '')) return
  // Any other bug ends the process as it would have.
  process.off('uncaughtException', survive)
  setImmediate(() => {
    throw error
  })
}
