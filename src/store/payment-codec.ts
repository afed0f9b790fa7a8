/** A payment as text: JSON with money as whole micros in decimal digits. What does not fit is a fault of the store. */
import { z } from 'zod'
import { Fault } from '../base/fault.ts'
import { MAX_MICROS } from '../base/money.ts'
import { type Payment, paymentKinds } from '../payments/payment.ts'

const micros = z.codec(z.string().regex(/^\d{1,16}$/), z.bigint().min(0n).max(MAX_MICROS), {
  decode: (text) => BigInt(text),
  encode: (amount) => amount.toString(),
})
const text = z.string()
const whole = z.int().min(0)

const payment = z.object({
  id: text,
  account: text,
  kind: z.enum(paymentKinds),
  state: z.enum(['opened', 'unknown', 'needs_authentication', 'failed', 'succeeded']),
  amount: micros,
  currency: text,
  provider: text,
  customer: text,
  card: z.object({ id: text, token: text, brand: text, last4: text }),
  minutes: z.object({ seconds: whole, bundles: whole.optional(), cycle: whole.optional() }).optional(),
  recurring: z.literal(true).optional(),
  renewal: z.object({ cycle: whole, attempt: whole, orders: z.array(text) }).optional(),
  buyer: text.optional(),
  charge: text.optional(),
  clientSecret: text.optional(),
  reason: text.optional(),
  openedAtMs: whole,
  changedAtMs: whole,
  succeededAtMs: whole.optional(),
  lookups: whole,
  capped: z.object({ day: text, month: text }).optional(),
  failureCounted: z.literal(true).optional(),
  refunds: z.array(
    z.object({
      id: text,
      operation: text,
      amount: micros,
      seconds: whole.optional(),
      state: z.enum(['opened', 'unknown', 'failed', 'succeeded']),
      reason: text.optional(),
      openedAtMs: whole,
    }),
  ),
})

/** The receipt's number stands beside it, as the script gives it. */
export function encodePayment({ receipt: _, ...rest }: Payment): string {
  const encoded = z.safeEncode(payment, rest as z.output<typeof payment>)
  if (!encoded.success) {
    throw new Fault('unexpected', `payment ${rest.id} cannot be stored: ${z.prettifyError(encoded.error)}`)
  }
  return JSON.stringify(encoded.data)
}

export function decodePayment(json: string, receipt: string | null | undefined): Payment {
  const decoded = z.safeDecode(payment, JSON.parse(json) as z.input<typeof payment>)
  if (!decoded.success) {
    throw new Fault('store_unfit', `a stored payment cannot be read: ${z.prettifyError(decoded.error)}`, {
      cause: decoded.error,
    })
  }
  const found = decoded.data as Payment
  return typeof receipt === 'string' && receipt !== '' ? { ...found, receipt: `${found.account}-${receipt}` } : found
}
