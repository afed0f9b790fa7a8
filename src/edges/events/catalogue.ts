/**
 * Every event, what it means and what it says. Webhooks, the stream of events, docs/events.md and the `webhooks` of the
 * OpenAPI document are made from this.
 */
import { z } from 'zod'
import type { EventType } from '../../events/event.ts'
import { amount, instant, text, whole, wholes, words } from './fields.ts'

export interface EventKind {
  /** A sentence. */
  readonly says: string
  readonly data: z.ZodObject
}

const currency = () => text().describe('Currency of the amounts.')

/** Of the balance against its thresholds. */
const balance = z.object({
  currency: currency(),
  available: amount().describe('What the account could spend then, its credit limit included.'),
  arming: whole().describe('Counts the crossings of this threshold: the same crossing has the same number.'),
})

/** Of a pool of minutes that is used up. */
const minutes = z.object({
  pool: text().describe('Id of the pool.'),
  cycle: whole().describe('Counts the cycles of the pool.'),
  remaining: whole().describe('Seconds that are left; what is promised to calls in progress is not.'),
  total: whole().describe('Seconds granted in this cycle.'),
})

const payment = z.object({
  payment: text().describe('Id of the payment.'),
  kind: text().describe('What was bought: `credit`, `bundle`, `dialer` or `recharge`.'),
  amount: amount(),
  currency: currency(),
  card: text().describe('Brand and last four digits.'),
  buyer: text().optional().describe('Mail address of the member of staff who bought; absent where nobody did.'),
})

const receiptNumber = () => text().describe('Number of the receipt.')
const paid = payment.extend({ receipt: receiptNumber() })
const unpaid = payment.extend({ reason: text().describe('Why, in a word of the provider or of ours.') })
const minutesPaid = paid.extend({ seconds: whole().describe('Seconds of all of them.') })
const bought = minutesPaid.extend({ count: whole().describe('Bundles.') })

/** What recurs is known by the payments that began it. */
const orders = () => words().describe('Ids of the payments that began what recurs.')

const receipt = z.object({
  receipt: receiptNumber(),
  payment: text().describe('Id of the payment.'),
  to: text().describe('Mail address.'),
})

/** Of a day or month whose cap is reached. */
const capped = z.object({
  period: text().describe('`day` or `month`.'),
  of: text().describe('That day or month in the zone of the account, such as `2026-11-28` or `2026-11`.'),
  cap: amount(),
  currency: currency(),
})

const call = z.object({
  call: text().describe('Id of the call.'),
  revision: whole().describe('0, and one more each time the end of the call was corrected.'),
  level: whole().describe('Of the chain: 0 is who called, the others are the accounts above, in their order.'),
  payer: text().describe('The account that called.'),
  node: text().describe('The edge.'),
  callId: text(),
  direction: text(),
  from: text(),
  to: text(),
  startedAt: instant(),
  answeredAt: instant().optional().describe('Absent when nobody answered.'),
  endedAt: instant(),
  seconds: whole().describe('Talked.'),
  billedSeconds: whole(),
  charge: amount(),
  currency: currency(),
  fundedBy: text().describe('`trunk`, `pool`, `credit`, `mixed` or `free`.'),
  cause: text(),
  flags: words().optional().describe('As in the CDR, such as `presumed` or `overrun`.'),
})

const kind = (says: string, data: z.ZodObject): EventKind => ({ says, data })

export const catalogue: Readonly<Record<EventType, EventKind>> = {
  'balance.low': kind(
    'Available credit fell below a threshold.',
    balance.extend({ threshold: amount().describe('The threshold that was crossed.') }),
  ),
  'balance.recovered': kind('Available credit rose above the thresholds again.', balance),
  'balance.exhausted': kind('There is no credit left.', balance),
  'minutes.low': kind(
    'The minutes of a pool fell below a threshold.',
    minutes.extend({ threshold: whole().describe('The threshold that was crossed, in seconds.') }),
  ),
  'minutes.exhausted': kind('The minutes of a pool are used up.', minutes),
  'minutes.reset': kind(
    'Pools of minutes were filled for a new cycle.',
    z.object({
      pools: words().describe('Ids of the pools.'),
      seconds: wholes().describe('What each of them was granted, in the same order.'),
    }),
  ),
  'recharge.due': kind('Available credit fell below the threshold of the automatic recharge.', balance),
  'recharge.succeeded': kind('The automatic recharge was paid and credited.', paid.omit({ buyer: true })),
  'recharge.failed': kind(
    'The automatic recharge was not paid.',
    unpaid.omit({ buyer: true }).extend({
      failures: whole().describe('Failures in a row.'),
      nextAt: instant().optional().describe('When it is tried again; absent where it is not.'),
    }),
  ),
  'recharge.paused': kind(
    'The automatic recharge does nothing until it is started again.',
    z.object({
      reason: text().describe('`failures`, `card_missing` or `staff`.'),
      failures: whole().optional().describe('Failures in a row, where they are the reason.'),
    }),
  ),
  'recharge.capped': kind(
    'The automatic recharge would pass its cap of the day or the month.',
    capped.extend({ amount: amount().describe('What would have been bought.') }),
  ),
  'payment.succeeded': kind('Money came in and was credited.', paid),
  'payment.failed': kind('A payment was declined; nothing was credited.', unpaid),
  'payment.unknown': kind('The provider did not say how a payment ended; it is asked until it does.', unpaid),
  'payment.refunded': kind(
    'A payment was given back, or a part of it.',
    paid.extend({ amount: amount().describe('What was given back.'), refund: text().describe('Id of the refund.') }),
  ),
  'bundle.purchased': kind(
    'Bundles of minutes were bought.',
    bought.extend({ recurring: text().describe('Whether they are bought again with each cycle: `yes` or `no`.') }),
  ),
  'bundle.renewed': kind('Bundles of minutes were bought again for a new cycle.', bought.omit({ buyer: true })),
  'bundle.declined': kind(
    'Bundles of minutes could not be bought again; their minutes were not granted.',
    unpaid.omit({ buyer: true }).extend({
      attempt: whole().describe('Counts the payments that were tried for this cycle.'),
      orders: orders(),
      nextAt: instant().optional().describe('When it is tried again; absent where it is not, by itself.'),
    }),
  ),
  'bundle.stopped': kind(
    'Bundles of minutes are not bought again any more.',
    z.object({
      orders: orders(),
      reason: text().describe('`staff`, `declined` (too often) or `card_missing`.'),
    }),
  ),
  'dialer.purchased': kind('Dialer minutes were bought.', minutesPaid),
  'receipt.sent': kind('A receipt was handed to the mail server.', receipt),
  'receipt.failed': kind('A receipt was refused by the mail server for good.', receipt),
  'spend.capped': kind(
    'What may be spent in a day or a month is spent.',
    capped.extend({ spent: amount().describe('For calls that ended.') }),
  ),
  'call.ended': kind(
    'A call ended and was charged, or its end was corrected; one event for each account of its chain.',
    call,
  ),
  'webhook.disabled': kind(
    'A webhook endpoint is sent nothing more, as it failed for days or said that it is gone.',
    z.object({
      endpoint: text().describe('Id of the endpoint.'),
      url: text(),
      reason: text().describe('`failing` or `gone`.'),
    }),
  ),
}
