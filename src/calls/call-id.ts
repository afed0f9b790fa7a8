/**
 * The daemon's id of a call is a ULID whose last 80 bits say where the call is kept: 10 bits of partition and 70 bits
 * of leg key. So an id leads to its record without an index, and a leg key leads to it from the edge's own words.
 */
import type { CallRef, Leg } from './call.ts'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const CALL_ID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/
const LEG_KEY_LENGTH = 14

/** SHA-256 of a text in hexadecimal. */
export type Digest = (text: string) => string

function base32(value: number, length: number): string {
  let text = ''
  for (let rest = value, i = 0; i < length; i += 1, rest = Math.floor(rest / 32))
    text = (ALPHABET[rest % 32] ?? '') + text
  return text
}

/** 70 bits of the hash of node, Call-ID and leg id; lengths keep the parts apart. */
export function legKey(leg: Leg, digest: Digest): string {
  const hex = digest(`${leg.node.length}:${leg.node}${leg.callId.length}:${leg.callId}${leg.legId}`)
  return base32(parseInt(hex.slice(0, 10), 16), 8) + base32(parseInt(hex.slice(10, 20), 16), 8).slice(0, 6)
}

export function makeCallId(ref: CallRef, atMs: number): string {
  return base32(atMs, 10) + base32(ref.partition, 2) + ref.legKey
}

/** Whether an id says that its call is kept there. */
export function isIdOf(id: string, { partition, legKey: key }: CallRef): boolean {
  return (
    id.length === 26 && id.endsWith(key) && key.length === LEG_KEY_LENGTH && id.startsWith(base32(partition, 2), 10)
  )
}

/** Where the record of a call id is; undefined when it is no id of ours. */
export function parseCallId(id: string): CallRef | undefined {
  if (!CALL_ID.test(id)) return undefined
  const partition = ALPHABET.indexOf(id.charAt(10)) * 32 + ALPHABET.indexOf(id.charAt(11))
  return { partition, legKey: id.slice(12) }
}
