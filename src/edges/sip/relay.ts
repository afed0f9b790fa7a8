/** Passes on what the other side answered, whatever that is. */
import type { Headers, SipResponse } from './drachtio.ts'
import { inOneLine } from './headers.ts'

export interface Relayed {
  readonly status: number
  readonly reason?: string | undefined
  readonly headers: Headers
  readonly body?: string | undefined
}

/**
 * The library throws at a status that it has no name for. Such a one goes as the first of its class, which it means to all
 * who do not know it (RFC 3261, 8.1.3.2); a provisional one as 183.
 */
export function relay(response: SipResponse, answer: Relayed, pracked?: () => void): void {
  const { status, headers, body } = answer
  const reason = answer.reason && inOneLine(answer.reason)
  const content = { headers, ...(body ? { body } : {}) }
  try {
    response.send(status, reason, content, undefined, pracked)
  } catch (error) {
    const known = firstOfClass(status)
    if (known === status) throw error
    response.send(known, reason, content, undefined, pracked)
  }
}

function firstOfClass(status: number): number {
  return status < 200 ? 183 : Math.floor(status / 100) * 100
}
