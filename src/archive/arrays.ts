/** As PostgreSQL writes an array; ids of accounts and calls need no quotes. */
export function arrayOf(ids: readonly string[]): string {
  return `{${ids.join(',')}}`
}
