/** Passes on what the other side answered, whatever that is. */
import type { SipResponse } from './drachtio.ts'
import { inOneLine } from './headers.ts'
import { type Content, fits } from './size.ts'

const MOST_REASON = 100
const TOO_LARGE = 513

export interface Relayed extends Content {
  readonly status: number
  readonly reason?: string | undefined
}

/**
 * The library throws at a status that it has no name for. Such a one goes as the first of its class, which it means to all
 * who do not know it (RFC 3261, 8.1.3.2); a provisional one as 183. What is too large goes without headers and body.
 */
export function relay(response: SipResponse, answer: Relayed): void {
  const { status, headers, body } = fits(answer) ? answer : bare(answer)
  const reason = answer.reason && inOneLine(answer.reason).slice(0, MOST_REASON)
  const content = { headers, ...(body ? { body } : {}) }
  try {
    response.send(status, reason, content)
  } catch (error) {
    const known = firstOfClass(status)
    if (known === status) throw error
    response.send(known, reason, content)
  }
}

/** An answer without its SDP would be another answer. */
function bare({ status }: Relayed): Relayed {
  const isAnswer = status >= 200 && status < 300
  return { status: isAnswer ? TOO_LARGE : status, headers: {} }
}

function firstOfClass(status: number): number {
  return status < 200 ? 183 : Math.floor(status / 100) * 100
}
