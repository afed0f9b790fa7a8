/**
 * Every event, what it means and what it says. Webhooks, the stream of events, docs/events.md and the `webhooks` of the
 * OpenAPI document are made from this.
 */
import { z } from 'zod'
import type { EventType } from '../../events/event.ts'
import { amount, instant, text, whole, words } from './fields.ts'

export interface EventKind {
  /** A sentence. */
  readonly says: string
  readonly data: z.ZodObject
}

const currency = () => text().describe('Currency of the amounts.')
const arming = () => whole().describe('Counts the crossings of this threshold: the same crossing has the same number.')
const available = () => amount().describe('What the account could spend then, its credit limit included.')

/** Of a threshold of the balance that was crossed. */
const crossing = z.object({
  currency: currency(),
  available: available(),
  threshold: amount().optional().describe('The threshold that was crossed.'),
  arming: arming().optional(),
})

/** Of a pool of minutes. */
const minutes = z.object({
  pool: text().optional().describe('Id of the pool.'),
  name: text().optional().describe('What people call it.'),
  remaining: whole().optional().describe('Seconds that are left.'),
  total: whole().optional().describe('Seconds of the pool when it is full.'),
  threshold: whole().optional().describe('The threshold that was crossed, in seconds.'),
  resetsAt: instant().optional().describe('When the pool is filled again.'),
  arming: arming().optional(),
})

const payment = z.object({
  payment: text().optional().describe('Id of the payment.'),
  kind: text().optional().describe('What was bought: `credit`, `bundle`, `dialer` or `recharge`.'),
  amount: amount().optional(),
  currency: currency().optional(),
  card: text().optional().describe('Brand and last four digits.'),
  receipt: text().optional().describe('Number of the receipt.'),
  buyer: text().optional().describe('Mail address of the member of staff who bought.'),
  reason: text().optional().describe('Why it did not succeed, or why it was given back.'),
})

const minutesBought = payment.extend({ seconds: whole().optional().describe('Seconds that were granted.') })

const bundles = minutesBought.extend({ bundles: whole().optional().describe('How many.') })

/** What recurs is known by the payment that began it. */
const orders = () => words().describe('Ids of the payments that began what recurs.')

const recharge = payment.extend({
  available: available().optional(),
  arming: arming().optional(),
  cap: amount().optional().describe('The cap that was reached.'),
  period: text().optional().describe('Of the cap: `day` or `month`.'),
  failures: whole().optional().describe('Failures in a row.'),
  nextAt: instant().optional().describe('When it is tried again.'),
})

const receipt = z.object({
  receipt: text().optional().describe('Number of the receipt.'),
  payment: text().optional().describe('Id of the payment.'),
  to: text().optional().describe('Mail address.'),
  reason: text().optional().describe('Why it could not be sent.'),
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
  'balance.low': kind('Available credit fell below a threshold.', crossing),
  'balance.recovered': kind('Available credit rose above the thresholds again.', crossing),
  'balance.exhausted': kind('There is no credit left.', crossing),
  'minutes.low': kind('The minutes of a pool fell below a threshold.', minutes),
  'minutes.exhausted': kind('The minutes of a pool are used up.', minutes),
  'minutes.reset': kind('A pool of minutes was filled for a new cycle.', minutes),
  'recharge.due': kind(
    'Available credit fell below the threshold of the automatic recharge.',
    crossing.extend({ arming: arming() }),
  ),
  'recharge.succeeded': kind('The automatic recharge was paid and credited.', recharge),
  'recharge.failed': kind('The automatic recharge was not paid.', recharge),
  'recharge.paused': kind(
    'The automatic recharge failed too often and does nothing until it is started again.',
    recharge,
  ),
  'recharge.capped': kind('The automatic recharge would pass its cap of the day or the month.', recharge),
  'payment.succeeded': kind('Money came in and was credited.', payment),
  'payment.failed': kind('A payment was declined; nothing was credited.', payment),
  'payment.unknown': kind('The provider did not say how a payment ended; it is asked until it does.', payment),
  'payment.refunded': kind('A payment was given back.', payment),
  'bundle.purchased': kind(
    'Bundles of minutes were bought.',
    bundles.extend({
      recurring: text().optional().describe('Whether they are bought again each cycle: `yes` or `no`.'),
    }),
  ),
  'bundle.renewed': kind('Bundles of minutes were bought again for a new cycle.', bundles),
  'bundle.declined': kind(
    'Bundles of minutes could not be bought again; their minutes were not granted.',
    payment.extend({
      attempt: whole().optional().describe('Counts the payments that were tried for this cycle.'),
      orders: orders().optional(),
      next: instant().optional().describe('When it is tried again; absent when it is not, by itself.'),
    }),
  ),
  'bundle.stopped': kind(
    'Bundles of minutes are not bought again any more.',
    z.object({
      orders: orders(),
      why: text().describe('`staff`, `declined` (too often) or `card_missing`.'),
    }),
  ),
  'dialer.purchased': kind('Dialer minutes were bought.', minutesBought),
  'receipt.sent': kind('A receipt was handed to the mail server.', receipt),
  'receipt.failed': kind('A receipt could not be sent.', receipt),
  'spend.capped': kind(
    'What may be spent in a day or a month is spent.',
    z.object({
      currency: currency().optional(),
      period: text().optional().describe('`day` or `month`.'),
      cap: amount().optional(),
      spent: amount().optional(),
    }),
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
