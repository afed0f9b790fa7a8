/** Events as the scripts tell them. */
import type { AccountEvent, EventType } from '../../src/events/event.ts'

const payment = { payment: '3-p1', kind: 'credit', amount: '25000000', currency: 'USD', card: 'visa 4242' }

export const datas: Readonly<Partial<Record<EventType, Readonly<Record<string, string>>>>> = {
  'balance.low': { currency: 'USD', available: '4990000', threshold: '5000000', arming: '1' },
  'balance.recovered': { currency: 'USD', available: '6000000', arming: '1' },
  'balance.exhausted': { currency: 'USD', available: '0', arming: '2' },
  'minutes.low': { pool: 'plan', cycle: '1', remaining: '300', total: '18000', threshold: '600' },
  'minutes.exhausted': { pool: 'plan', cycle: '1', remaining: '0', total: '18000' },
  'bundle.declined': { ...payment, kind: 'bundle', reason: 'card_declined', attempt: '1', orders: '3-first' },
  'bundle.stopped': { orders: '3-first', reason: 'declined' },
  'recharge.due': { currency: 'USD', available: '1', arming: '1' },
  'recharge.succeeded': { ...payment, kind: 'recharge' },
  'recharge.failed': { ...payment, kind: 'recharge', reason: 'card_declined', failures: '1', nextAt: '1795438800000' },
  'recharge.paused': { reason: 'failures', failures: '3' },
  'recharge.capped': { period: 'day', of: '2026-11-23', cap: '50000000', amount: '20000000', currency: 'USD' },
  'payment.succeeded': { ...payment, receipt: 'acme-7', buyer: 'buyer@example.com' },
  'payment.refunded': { ...payment, receipt: 'acme-7', buyer: 'buyer@example.com' },
  'spend.capped': { currency: 'USD', period: 'day', of: '2026-11-23', cap: '60000', spent: '60000' },
}

/** Noon of the fake clock. */
export const AT_MS = Date.UTC(2026, 10, 23, 12)

let told = 0

export function anEvent(type: EventType, data: Readonly<Record<string, string>> = {}, atMs = AT_MS): AccountEvent {
  told += 1
  return { id: `8-${atMs}-${told}`, type, account: 'acme', atMs, data: { ...datas[type], ...data } }
}
