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
  'bundle.renewed',
  'bundle.declined',
  'bundle.stopped',
  'dialer.purchased',
  'receipt.sent',
  'receipt.failed',
  'spend.capped',
  'call.ended',
  'webhook.disabled',
] as const

export type EventType = (typeof eventTypes)[number]

export interface AccountEvent {
  /** "<partition>-<id in its stream>": the same event always has the same id. */
  readonly id: string
  readonly type: EventType
  /** Empty for what happened to the whole installation. */
  readonly account: string
  readonly atMs: number
  /** Flat: amounts are whole micros as text, instants ms as text. */
  readonly data: Readonly<Record<string, string>>
}

/** Does something about events; told at least once, so a repeat must change nothing. A throw is a retry. */
export interface EventConsumer {
  /** Names its queue and its dead letters: small letters, digits and "-". */
  readonly name: string
  readonly types: readonly EventType[]
  /** What makes two events one job, e.g. account and arming number; the event's id where absent. */
  readonly jobId?: (event: AccountEvent) => string
  /** Events at once in one daemon; ten where absent. */
  readonly atOnce?: number
  /** Before an event that fails is a dead letter; about two hours of them where absent. */
  readonly attempts?: number
  handle(event: AccountEvent): Promise<void>
}

/** What is done again and again by one daemon of all; safe to repeat. */
export interface PeriodicWork {
  readonly name: string
  readonly everyMs: number
  run(): Promise<void>
}

export function isEventType(text: string): text is EventType {
  return eventTypes.some((type) => type === text)
}
