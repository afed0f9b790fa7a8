/**
 * Who takes money from cards. A form of this port never throws for what a provider did or did not do: what is not known is
 * answered as `unknown`, and asked for again by `lookup`. Card numbers are never seen here: providers' own forms take them.
 */
import type { Micros } from '../base/money.ts'

export interface PaymentProvider {
  readonly name: string
  /** What it charges and pays back is a multiple of this. */
  coin(currency: string): Micros
  /** Puts a card on file; the same key again makes no second one. */
  setup(ask: SetupAsk): Promise<SetupOutcome>
  /** Charges a card on file while its holder is away; the payment's id is the key, so a repeat charges nothing more. */
  charge(ask: ChargeAsk): Promise<ChargeOutcome>
  /** Gives back some of a charge; the refund's id is the key. */
  refund(ask: RefundAsk): Promise<RefundOutcome>
  /** What became of a payment, by its id or the provider's own. */
  lookup(ask: LookupAsk): Promise<Lookup>
  /** Charges made from an instant on, oldest or newest first. */
  list(sinceMs: number): AsyncIterable<ProviderCharge>
  /** What a request to our webhook is about; undefined when its signature is none of the provider's. */
  verifyWebhook(request: WebhookRequest): Promise<WebhookNews | undefined>
}

export interface SetupAsk {
  readonly account: string
  /** The provider's name for the account; absent when it has none yet. */
  readonly customer?: string
  /** What the provider's form gave; absent asks for what such a form needs. */
  readonly token?: string
  readonly key: string
}

export type SetupOutcome =
  | { readonly kind: 'ready'; readonly customer: string; readonly card: ProviderCard }
  /** The card's holder must still do something in the provider's form, with this secret. */
  | { readonly kind: 'pending'; readonly customer: string; readonly setup: string; readonly clientSecret: string }
  | { readonly kind: 'declined'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string }

export interface ProviderCard {
  /** The provider's name for it, never a number. */
  readonly token: string
  readonly brand: string
  readonly last4: string
  readonly expiryMonth: number
  readonly expiryYear: number
}

export interface ChargeAsk {
  /** Id of the payment: the provider's idempotency key, kept with the charge. */
  readonly payment: string
  readonly account: string
  readonly amount: Micros
  readonly currency: string
  readonly customer: string
  readonly token: string
  readonly description: string
}

export type ChargeOutcome =
  | { readonly kind: 'succeeded'; readonly charge: string }
  | { readonly kind: 'declined'; readonly reason: string; readonly charge?: string }
  | { readonly kind: 'needs_authentication'; readonly charge: string; readonly clientSecret?: string }
  /** It may have been charged or not, or will be. */
  | { readonly kind: 'unknown'; readonly reason: string; readonly charge?: string }

export interface RefundAsk {
  readonly refund: string
  readonly payment: string
  readonly charge: string
  readonly amount: Micros
  readonly currency: string
}

export type RefundOutcome =
  { readonly kind: 'succeeded' } | { readonly kind: 'declined' | 'unknown'; readonly reason: string }

export interface LookupAsk {
  readonly payment: string
  readonly customer: string
  /** The provider's id of the charge, where it is known. */
  readonly charge?: string
  readonly openedAtMs: number
}

export type Lookup =
  | { readonly kind: 'found'; readonly charge: ProviderCharge }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown'; readonly reason: string }

/** A charge as the provider has it. */
export interface ProviderCharge {
  readonly charge: string
  /** Id of the payment that it was made with; absent when it is none of ours. */
  readonly payment?: string
  readonly amount: Micros
  readonly currency: string
  readonly atMs: number
  readonly outcome: ChargeOutcome
  readonly refunds: readonly ProviderRefund[]
}

export interface ProviderRefund {
  /** Id of the refund that it was made with; absent when it is none of ours. */
  readonly refund?: string
  readonly amount: Micros
  readonly outcome: RefundOutcome
}

export interface WebhookRequest {
  readonly body: Uint8Array
  readonly headers: Readonly<Record<string, string | undefined>>
}

/**
 * A webhook is only a hint that something happened: what did is asked of the provider. So it does no harm that webhooks
 * come twice, late, or in another order.
 */
export interface WebhookNews {
  readonly charge?: string
  /** Absent when the charge is none of ours. */
  readonly payment?: string
}
