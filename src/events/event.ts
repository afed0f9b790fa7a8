/** What happened to an account, told by the script that made it happen: at least once, in the order of its partition. */

export const eventTypes = [
  'balance.low',
  'balance.recovered',
  'balance.exhausted',
  'minutes.low',
  'minutes.exhausted',
  'minutes.reset',
  'recharge.due',
  'recharge.succeeded',
  'recharge.failed',
  'recharge.paused',
  'recharge.capped',
  'payment.succeeded',
  'payment.failed',
  'payment.unknown',
  'payment.refunded',
  'bundle.purchased',
  'receipt.sent',
  'receipt.failed',
  'spend.capped',
  'call.ended',
] as const
export type EventType = (typeof eventTypes)[number]
