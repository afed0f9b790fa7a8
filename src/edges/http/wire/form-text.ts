/** application/x-www-form-urlencoded bodies, as mod_curl and CURL() send them: flat, all values text. */
import { decodeBytes } from './bytes.ts'

const NESTED = 'ref.'

/** "ref.hEntry=1395" is `{ ref: { hEntry: "1395" } }`; of a name that comes twice the last stands. */
export function parseForm(body: Buffer): Record<string, unknown> {
  const fields = new Map<string, unknown>()
  const nested = new Map<string, string>()
  for (const part of body.toString('latin1').split('&')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = decodePart(equals < 0 ? part : part.slice(0, equals))
    const value = equals < 0 ? '' : decodePart(part.slice(equals + 1))
    if (name.startsWith(NESTED)) nested.set(name.slice(NESTED.length), value)
    else fields.set(name, value)
  }
  if (nested.size > 0) fields.set('ref', Object.fromEntries(nested))
  return Object.fromEntries(fields)
}

/** A percent sign that begins no byte stands for itself. */
function decodePart(part: string): string {
  const raw = part
    .replaceAll('+', ' ')
    .replace(/%([\da-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  return decodeBytes(Buffer.from(raw, 'latin1'))
}
