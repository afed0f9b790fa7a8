/** For walks and trials: a process that imports this first lives 32 days ahead. Never with money that is real. */
const AHEAD_MS = 32 * 86_400_000

const now = Date.now.bind(Date)
Date.now = () => now() + AHEAD_MS
