/** What a carrier says of a row beside its price: still sold, barred, or taken away. */

export type RowStatus = 'sold' | 'blocked' | 'closed'

const SOLD =
  /^(|new|new code|added?|increased?|up|decreased?|down|(no |un)chang(e|ed)|same|current|active|open|valid|ok|changed?|update[d]?|amended|effective|pending)$/i
const CLOSED =
  /^(closed?|closing|deleted?|deletion|delete code|code deleted|code closed|removed?|withdrawn|discontinued|ceased|terminated|obsolete|expired)$/i
const BLOCKED =
  /^(blocked|block|barred|not supported|unsupported|suspended|disabled|not served|no route|closed for traffic)$/i
const YES = /^(true|yes|y|1|x|blocked)$/i
const NO = /^(|false|no|n|0)$/i

export function readStatus(
  status: string,
  { blocked, price }: { readonly blocked: string; readonly price: string },
  report: (field: string, message: string) => void,
): RowStatus {
  if (!YES.test(blocked) && !NO.test(blocked)) report('blocked', `must be true or false, not "${blocked}"`)
  if (CLOSED.test(status) || CLOSED.test(price)) return 'closed'
  if (YES.test(blocked) || BLOCKED.test(status) || BLOCKED.test(price)) return 'blocked'
  if (!SOLD.test(status))
    report('status', `"${status}" is no status that is known; say --map '…=ignore' where it is a remark`)
  return 'sold'
}
