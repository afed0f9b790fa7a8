/**
 * Where events are sent to, and which.
 *
 *   enabled ──▶ disabled by an operator ──▶ enabled
 *      ├──────▶ disabled as gone (it answered 410) ──▶ enabled
 *      └──────▶ disabled as failing (for days) ──▶ enabled
 */
import type { AccountEvent, EventType } from '../events/event.ts'

export interface WebhookEndpoint {
  readonly id: string
  readonly url: string
  readonly description?: string
  /** Empty is every type. */
  readonly types: readonly EventType[]
  /** Events of this account and those below it; all of the installation where absent. */
  readonly account?: string
  /** The newest first; each signs while it holds. */
  readonly secrets: readonly EndpointSecret[]
  readonly createdAtMs: number
  readonly disabled?: Disabled
  /** Since when no delivery has succeeded; absent after one that did. */
  readonly failingSinceMs?: number
}

export interface EndpointSecret {
  /** "whsec_" and base64. */
  readonly secret: string
  /** Of one that was replaced. */
  readonly untilMs?: number
}

export type DisabledReason = 'operator' | 'gone' | 'failing'

export interface Disabled {
  readonly reason: DisabledReason
  readonly atMs: number
}

/** `chain`: ids of the event's account and of those above it. */
export function listensTo(endpoint: WebhookEndpoint, event: AccountEvent, chain: readonly string[]): boolean {
  const { disabled, types, account } = endpoint
  if (disabled) return false
  if (types.length > 0 && !types.includes(event.type)) return false
  return account === undefined || chain.includes(account)
}

export function secretsInForce({ secrets }: WebhookEndpoint, nowMs: number): readonly string[] {
  return secrets.filter(({ untilMs = Infinity }) => nowMs < untilMs).map(({ secret }) => secret)
}

/** The new secret signs from now on; the one before it goes on for a while, and older ones end. */
export function withNewSecret(
  endpoint: WebhookEndpoint,
  { secret, untilMs }: Required<EndpointSecret>,
): WebhookEndpoint {
  const [before] = endpoint.secrets
  return { ...endpoint, secrets: [{ secret }, ...(before ? [{ secret: before.secret, untilMs }] : [])] }
}

export function disabledFor(endpoint: WebhookEndpoint, disabled: Disabled): WebhookEndpoint {
  return { ...endpoint, disabled }
}

/** Its failures before are forgotten. */
export function enabledAgain({ disabled: _, failingSinceMs: __, ...rest }: WebhookEndpoint): WebhookEndpoint {
  return rest
}
