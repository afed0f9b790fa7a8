/** JSON bodies: bounded in depth before they are read, and where one breaks is told. */
import { isUtf8 } from 'node:buffer'
import { HttpProblem } from '../problem.ts'
import type { FieldCode } from '../problem-codes.ts'
import { decodeBytes } from './bytes.ts'
import { breakOf } from './json-break.ts'

const MAX_JSON_DEPTH = 20

/** Where a longer text breaks is not looked for. */
const MAX_SEARCHED = 2 ** 20

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Undefined for an empty body. `anyBytes` reads texts that are no UTF-8, byte by byte. */
export function parseJson(body: Buffer, options: { readonly anyBytes: boolean }): unknown {
  const bytes = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body
  if (bytes.length === 0) return undefined
  if (deeperThan(bytes, MAX_JSON_DEPTH)) throw malformed(`is nested deeper than ${MAX_JSON_DEPTH}`, 'depth')
  if (!options.anyBytes && !isUtf8(bytes)) throw malformed('is not UTF-8', 'syntax')
  const text = decodeBytes(bytes)
  try {
    return JSON.parse(text)
  } catch {
    throw brokenJson(text)
  }
}

/** Brackets outside of texts are counted in the bytes, as none of UTF-8's longer sequences holds one. */
function deeperThan(bytes: Buffer, limit: number): boolean {
  let depth = 0
  let inText = false
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0
    if (inText) {
      if (byte === BACKSLASH) at += 1
      else if (byte === QUOTE) inText = false
    } else if (byte === QUOTE) inText = true
    else depth += DEPTH_CHANGES[byte] ?? 0
    if (depth > limit) return true
  }
  return false
}

const DEPTH_CHANGES = Int8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte)
  if (character === '[' || character === '{') return 1
  return character === ']' || character === '}' ? -1 : 0
})

function brokenJson(text: string): HttpProblem {
  const broken = text.length > MAX_SEARCHED ? undefined : breakOf(text)
  if (!broken) return malformed('is not JSON', 'syntax')
  const before = text.slice(0, broken.at)
  const line = before.split('\n').length
  const column = before.length - before.lastIndexOf('\n')
  const message = `is not JSON: ${broken.message} at line ${line}, column ${column}`
  return malformed(message, 'syntax', { position: broken.at, line, column })
}

function malformed(message: string, code: FieldCode, members?: Readonly<Record<string, number>>): HttpProblem {
  const errors = [{ pointer: '', message, code }]
  return new HttpProblem('malformed_body', `the body ${message}`, { errors, ...(members ? { members } : {}) })
}
