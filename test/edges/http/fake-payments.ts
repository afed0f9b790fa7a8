/** The till of the fake daemon: remembers what it was asked, and answers with one card, one order and one payment. */
import { newProfile } from '../../../src/accounts/profile.ts'
import type { Payment } from '../../../src/payments/payment.ts'
import { refusePayment, type PaymentRefused } from '../../../src/payments/refusal.ts'
import type { HttpParts } from '../../../src/edges/http/parts.ts'
import { defaults } from '../../support/offices.ts'
import { cardOf } from '../../support/till.ts'

const NOW_MS = Date.UTC(2026, 10, 23, 10)
const card = cardOf('tok_success')
const book = { customers: {}, cards: [card], recurring: card.id }

export const examplePayment: Payment = {
  id: '3-pay',
  account: 'acme',
  kind: 'credit',
  state: 'succeeded',
  amount: 25_000_000n,
  currency: 'USD',
  provider: 'sandbox',
  customer: 'cus_acme',
  card: { id: card.id, token: card.token, brand: card.brand, last4: card.last4 },
  buyer: 'ann@acme.test',
  charge: 'ch_1',
  openedAtMs: NOW_MS,
  changedAtMs: NOW_MS,
  lookups: 0,
  refunds: [{ id: '3-pay.1', operation: 'r', amount: 5_000_000n, state: 'succeeded', openedAtMs: NOW_MS }],
  receipt: 'acme-1',
}

export interface Till {
  payment: Payment
  refusal: PaymentRefused | undefined
}

export function fakePayments(scene: Till, note: (what: string, input: unknown) => void): HttpParts['payments'] {
  const paid = (what: string, input: unknown) => {
    note(what, input)
    return scene.refusal ?? { kind: 'paid' as const, replayed: false, payment: scene.payment }
  }
  const state = { failures: 1, nextAtMs: NOW_MS, paused: 'staff', flight: '3-pay', chargedDay: 5n, chargedMonth: 6n }
  return {
    desk: {
      cards: async (account) => (account === 'other' ? undefined : book),
      addCard: async (account, input) => {
        note('addCard', { account, ...input })
        if (input.token === undefined) return { kind: 'setup', setup: 'seti_1', clientSecret: 'secret' }
        return scene.refusal ?? { kind: 'card', card, book }
      },
      changeCard: async (account, id, input) => {
        note('changeCard', { account, id, ...input })
        return id === card.id ? { kind: 'card', card, book } : refusePayment('card_unknown', 'there is no such card')
      },
      removeCard: async (account, id) => {
        note('removeCard', { account, id })
        return book
      },
      review: async (account, goods, buyer) => {
        note('review', { account, goods, buyer })
        const priced = { amount: 25_000_000n, currency: 'USD', expiresAtMs: NOW_MS }
        return scene.refusal ?? { id: '3-order', account, goods, ...priced, ...(buyer === undefined ? {} : { buyer }) }
      },
      confirm: async (account, order, payer) => paid('confirm', { account, order, ...payer }),
      buy: async (account, goods, payer) => paid('buy', { account, goods, ...payer }),
      payments: async (account, request) => {
        note('payments', { account, ...request })
        return { items: [scene.payment], nextCursor: '1' }
      },
      payment: async (_account, id) => (id === scene.payment.id ? scene.payment : undefined),
      refund: async (request) => paid('refund', request),
    },
    recharging: {
      attempt: async (account) => paid('recharge', { account }),
      view: async (account) =>
        account === 'other'
          ? undefined
          : { recharge: { enabled: true, threshold: 5_000_000n, amount: 20_000_000n }, state },
      pause: async (account) => note('pause', account),
      resume: async (account) => note('resume', account),
    },
    renewals: {
      attempt: async (account, isAsked) => paid('renew', { account, isAsked }),
      view: async (account) => {
        const bundles = [{ id: '3-first', bundles: 2, seconds: 12_000, amount: 7_000_000n, paidCycle: 4 }]
        const seen = { bundles, currency: 'USD', renewsAtMs: NOW_MS, payment: scene.payment, nextAtMs: NOW_MS }
        return account === 'other' ? undefined : seen
      },
      stop: async (account, bundles) => {
        note('stop', { account, bundles })
        return scene.refusal
          ? { kind: 'refused', code: 'bundles_unknown', detail: 'there are no such bundles' }
          : { kind: 'saved', created: false, profile: newProfile({ id: account, input: {}, defaults, nowMs: NOW_MS }) }
      },
    },
    reconcile: async (sinceMs) => {
      note('reconcile', { sinceMs })
      const sums = { USD: { charged: 5n, credited: 4n } }
      const stray = { kind: 'stray_charge', provider: 'sandbox', charge: 'ch_9', amount: 1n } as const
      return { provider: 'sandbox', sinceMs, charges: 1, sums, disagreements: [stray] }
    },
    hear: async (provider, { body, headers }) => {
      note('hear', { provider, body: Buffer.from(body).toString(), signature: headers['sandbox-signature'] })
      return provider === 'sandbox' ? headers['sandbox-signature'] === 'good' : undefined
    },
  }
}
