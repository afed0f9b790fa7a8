/** What Stripe says of intents, refunds and errors, in our words. */
import type { Stripe } from 'stripe'
import type { ChargeOutcome, ProviderCard, RefundOutcome } from '../../payments/provider.ts'

export function outcomeOf({ id, status, client_secret, last_payment_error }: Stripe.PaymentIntent): ChargeOutcome {
  switch (status) {
    case 'succeeded':
      return { kind: 'succeeded', charge: id }
    case 'requires_action':
      return authentication(id, client_secret)
    case 'requires_payment_method':
      // A card that its holder must agree to is told as one that was declined, when he is away.
      if (last_payment_error?.code === 'authentication_required') return authentication(id, client_secret)
      return { kind: 'declined', charge: id, reason: declineReason(last_payment_error) }
    case 'canceled':
      return { kind: 'declined', charge: id, reason: 'canceled' }
    default:
      return { kind: 'unknown', charge: id, reason: status }
  }
}

function authentication(charge: string, secret: string | null): ChargeOutcome {
  return { kind: 'needs_authentication', charge, ...(secret === null ? {} : { clientSecret: secret }) }
}

function declineReason(error: { readonly decline_code?: string; readonly code?: string } | null): string {
  return error?.decline_code || error?.code || 'card_declined'
}

export function refundOutcome({ status, failure_reason }: Stripe.Refund): RefundOutcome {
  if (status === 'succeeded') return { kind: 'succeeded' }
  if (status === 'failed' || status === 'canceled') return { kind: 'declined', reason: failure_reason ?? status }
  return { kind: 'unknown', reason: status ?? 'pending' }
}

export function cardIn(method: string | Stripe.PaymentMethod | null): ProviderCard | undefined {
  if (method === null || typeof method === 'string' || !method.card) return undefined
  const { brand, last4, exp_month: expiryMonth, exp_year: expiryYear } = method.card
  return { token: method.id, brand, last4, expiryMonth, expiryYear }
}

export function idOf(object: string | { readonly id: string } | null): string | undefined {
  return typeof object === 'string' ? object : object?.id
}

interface StripeFailure {
  readonly type: string
  readonly code?: string
  readonly decline_code?: string
  readonly payment_intent?: Stripe.PaymentIntent
}

/** Errors of the library carry their type by name, so it need not be loaded to know them. */
function failureIn(error: unknown): StripeFailure | undefined {
  return error instanceof Error && 'type' in error && typeof error.type === 'string'
    ? (error as Error & StripeFailure)
    : undefined
}

const REFUSALS: ReadonlySet<string> = new Set([
  'StripeCardError',
  'StripeInvalidRequestError',
  'StripeAuthenticationError',
  'StripePermissionError',
])

/** Stripe did not do it and will not; of all other errors it is not known. */
export function isRefused(error: unknown): boolean {
  return REFUSALS.has(failureIn(error)?.type ?? '')
}

export function reasonOf(error: unknown): string {
  const failure = failureIn(error)
  // What the library has no word for is an empty text.
  return failure?.decline_code || failure?.code || failure?.type || 'provider_unreachable'
}

export function chargeFailure(error: unknown): ChargeOutcome {
  const intent = failureIn(error)?.payment_intent
  if (intent) return outcomeOf(intent)
  return { kind: isRefused(error) ? 'declined' : 'unknown', reason: reasonOf(error) }
}
