/** How much drachtio-server takes at once. Of a frame of more than 12,228 bytes, and of all after it, it hears nothing (v0.9). */
import type { Headers } from './drachtio.ts'

export const MOST_FRAME_BYTES = 12_000
/** The rest is for what every message has. */
const MOST_CONTENT_BYTES = 10_000
const MOST_NAMES_BYTES = 1_500

export interface Content {
  readonly headers: Headers
  readonly body?: string | undefined
}

export function fits({ headers, body = '' }: Content): boolean {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.byteLength(lines.join('') + body) <= MOST_CONTENT_BYTES
}

/** Of an INVITE: it could not be passed on, or not be answered, as answers repeat what it says of its two sides. */
export function isTooLarge(request: Content): boolean {
  const { from = '', to = '' } = request.headers
  return !fits(request) || Buffer.byteLength(from + to) > MOST_NAMES_BYTES
}
