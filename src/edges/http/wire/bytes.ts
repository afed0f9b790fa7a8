/**
 * Texts from bytes. Edges' ids may hold any byte; those that are no UTF-8 become characters of a private range, one for
 * each byte, so that different ids stay different.
 */
import { isUtf8 } from 'node:buffer'

/** Byte 0x80 is U+EF80, byte 0xff is U+EFFF. */
const PRIVATE_BASE = 0xef00

export function decodeBytes(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString('utf8') : decodeBroken(bytes)
}

function decodeBroken(bytes: Buffer): string {
  const parts: string[] = []
  let at = 0
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0
    const sequence = bytes.subarray(at, at + sequenceLength(byte))
    const whole = byte < 0x80 || isUtf8(sequence)
    parts.push(whole ? sequence.toString('utf8') : String.fromCharCode(PRIVATE_BASE + byte))
    at += whole ? sequence.length : 1
  }
  return parts.join('')
}

function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4
  if (lead >= 0xe0) return 3
  return lead >= 0xc0 ? 2 : 1
}

/** How many bytes the edge sent for this text. */
export function byteLength(text: string): number {
  const bytes = Buffer.byteLength(text)
  if (bytes === text.length) return bytes
  return bytes - 2 * (text.match(/[\uef80-\uefff]/g)?.length ?? 0)
}
