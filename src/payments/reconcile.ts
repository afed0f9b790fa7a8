/**
 * Holds our payments against the provider's charges: what was charged and not credited is credited, what was credited and
 * not charged, or is none of ours, is reported for a person and never moved silently.
 */
import type { Micros } from '../base/money.ts'
import type { Cashier, Disagreement, PaymentObserver } from './cashier.ts'
import { type Payment, refunded } from './payment.ts'
import type { PaymentStore } from './payment-store.ts'
import type { PaymentProvider, ProviderCharge } from './provider.ts'

export interface ReconcileParts {
  readonly cashier: Cashier
  readonly store: PaymentStore
  readonly observer: PaymentObserver
}

export interface Reconciled {
  readonly provider: string
  readonly sinceMs: number
  readonly charges: number
  /** By currency: what the provider took and did not give back, and what we credited and did not debit for it. */
  readonly sums: Readonly<Record<string, { readonly charged: Micros; readonly credited: Micros }>>
  readonly disagreements: readonly Disagreement[]
}

/** More say nothing new. */
const MAX_DISAGREEMENTS = 1_000

/** A charge may be listed a little before or after the payment was opened. */
const MARGIN_MS = 600_000

export async function reconcile(
  { cashier, store, observer }: ReconcileParts,
  provider: PaymentProvider,
  sinceMs: number,
): Promise<Reconciled> {
  const sums = new Sums()
  const disagreements: Disagreement[] = []
  const disagree = (what: Disagreement): void => {
    if (disagreements.length < MAX_DISAGREEMENTS) disagreements.push(what)
    if (what.kind !== 'stray_charge') observer.disagreed(what)
  }
  const listed = new Set<string>()
  let charges = 0
  for await (const charge of provider.list(sinceMs - MARGIN_MS)) {
    charges += 1
    const payment = await cashier.acknowledge(provider, charge)
    listed.add(charge.charge)
    if ((payment?.openedAtMs ?? charge.atMs) >= sinceMs) sums.charged(charge)
    const wrong = differenceOf(provider, charge, payment)
    if (wrong) disagree(wrong)
  }
  for await (const payment of creditedSince({ store, provider, sinceMs })) {
    sums.credited(payment)
    if (!listed.has(payment.charge ?? '')) disagree({ kind: 'not_charged', payment: payment.id })
  }
  return { provider: provider.name, sinceMs, charges, sums: sums.all(), disagreements }
}

interface Credited {
  readonly store: PaymentStore
  readonly provider: PaymentProvider
  readonly sinceMs: number
}

async function* creditedSince({ store, provider, sinceMs }: Credited): AsyncGenerator<Payment> {
  for await (const payment of store.openedSince(sinceMs)) {
    if (payment.provider === provider.name && payment.state === 'succeeded') yield payment
  }
}

function differenceOf(
  provider: PaymentProvider,
  charge: ProviderCharge,
  payment: Payment | undefined,
): Disagreement | undefined {
  if (!payment && charge.outcome.kind !== 'succeeded') return undefined
  if (!payment) return { kind: 'stray_charge', provider: provider.name, charge: charge.charge, amount: charge.amount }
  return refundsDiffer(payment, charge)
    ? { kind: 'refunds_differ', payment: payment.id, charge: charge.charge }
    : undefined
}

/** Refunds that are still under way are not counted on either side. */
function refundsDiffer(payment: Payment, charge: ProviderCharge): boolean {
  const ours = new Set(payment.refunds.map(({ id }) => id))
  const theirs = charge.refunds.filter(({ outcome }) => outcome.kind === 'succeeded')
  if (theirs.some(({ refund }) => refund === undefined || !ours.has(refund))) return true
  return theirs.reduce((sum, { amount }) => sum + amount, 0n) !== refunded(payment)
}

class Sums {
  readonly #sums = new Map<string, { charged: Micros; credited: Micros }>()

  charged({ currency, amount, outcome, refunds }: ProviderCharge): void {
    if (outcome.kind !== 'succeeded') return
    const back = refunds.filter((refund) => refund.outcome.kind === 'succeeded')
    this.#of(currency).charged += amount - back.reduce((sum, refund) => sum + refund.amount, 0n)
  }

  credited(payment: Payment): void {
    this.#of(payment.currency).credited += payment.amount - refunded(payment)
  }

  #of(currency: string): { charged: Micros; credited: Micros } {
    const sum = this.#sums.get(currency) ?? { charged: 0n, credited: 0n }
    this.#sums.set(currency, sum)
    return sum
  }

  all(): Reconciled['sums'] {
    return Object.fromEntries(this.#sums)
  }
}
