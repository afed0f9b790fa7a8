/** Fields of events: kept flat as text by the scripts, shown as the API shows such things everywhere. */
import { z } from 'zod'
import { formatAmount } from '../../base/money.ts'
import { formatInstant } from '../../base/time.ts'

/** From what is kept to what is shown. */
function shownAs<T extends z.ZodType>(read: (text: string) => unknown, shown: T) {
  return z.string().transform(read).pipe(shown)
}

export function amount() {
  return shownAs((text) => (/^-?\d{1,17}$/.test(text) ? formatAmount(BigInt(text)) : undefined), z.string())
}

export function instant() {
  return shownAs((text) => (/^\d{1,15}$/.test(text) ? formatInstant(Number(text)) : undefined), z.string())
}

export function whole() {
  return shownAs(Number, z.int())
}

export function wholes() {
  return shownAs((text) => text.split(' ').map(Number), z.array(z.int()))
}

export function words() {
  return shownAs((text) => text.split(' '), z.array(z.string()))
}

export function text() {
  return z.string()
}
