/** What an examination finds. */

export interface Check {
  /** What was looked at: "config", "store", "edge kam1". */
  readonly what: string
  readonly status: 'ok' | 'warn' | 'fail'
  /** A sentence: what was found, and what to do about it. */
  readonly detail: string
}

export function good(what: string, detail: string): Check {
  return { what, status: 'ok', detail }
}

export function doubtful(what: string, detail: string): Check {
  return { what, status: 'warn', detail }
}

export function bad(what: string, detail: string): Check {
  return { what, status: 'fail', detail }
}
