/** What an event is to people: the facts of a notice, or nothing. */
import type { AccountProfile } from '../accounts/account.ts'
import type { Topic } from '../accounts/contacts.ts'
import { Fault } from '../base/fault.ts'
import type { AccountEvent, EventType } from '../events/event.ts'
import type { PaymentKind } from './receipts.ts'
import type { Money } from './words.ts'

interface Minutes {
  readonly pool: string
  readonly resetsAtMs: number | undefined
}

interface Declined {
  readonly amount: Money
  readonly card: string
  readonly reason: string
  /** When it is tried again; undefined where it is not. */
  readonly nextAtMs: number | undefined
}

interface CappedPeriod {
  readonly period: 'day' | 'month'
  /** "2026-11-28" or "2026-11". */
  readonly of: string
  readonly cap: Money
}

type PauseReason =
  { readonly reason: 'failures'; readonly failures: number } | { readonly reason: 'card_missing' | 'staff' }

/** What the texts of each kind of notice may say. */
export interface NoticeFacts {
  readonly 'balance.low': { readonly available: Money; readonly threshold: Money }
  readonly 'balance.exhausted': { readonly available: Money }
  readonly 'minutes.low': Minutes & { readonly leftSeconds: number; readonly grantedSeconds: number }
  readonly 'minutes.exhausted': Minutes
  readonly 'bundle.declined': Declined
  readonly 'bundle.stopped': { readonly reason: 'staff' | 'declined' | 'card_missing' }
  readonly 'recharge.failed': Declined
  readonly 'recharge.paused': PauseReason
  readonly 'recharge.capped': CappedPeriod & { readonly amount: Money }
  readonly 'payment.succeeded': {
    readonly receipt: string
    readonly kind: PaymentKind
    readonly amount: Money
    readonly card: string
    readonly atMs: number
  }
  readonly 'payment.refunded': { readonly amount: Money; readonly card: string; readonly receipt: string | undefined }
  readonly 'spend.capped': CappedPeriod & { readonly spent: Money }
}

export type NoticeKind = keyof NoticeFacts

export type Notice = {
  readonly [Kind in NoticeKind]: { readonly kind: Kind; readonly facts: NoticeFacts[Kind] }
}[NoticeKind]

export const topicOf: Readonly<Record<NoticeKind, Topic>> = {
  'balance.low': 'balance',
  'balance.exhausted': 'balance',
  'minutes.low': 'minutes',
  'minutes.exhausted': 'minutes',
  'bundle.declined': 'minutes',
  'bundle.stopped': 'minutes',
  'recharge.failed': 'recharge',
  'recharge.paused': 'recharge',
  'recharge.capped': 'recharge',
  'payment.succeeded': 'receipts',
  'payment.refunded': 'receipts',
  'spend.capped': 'spending',
}

/** That a recharge succeeded is told by the receipt of its payment. */
export const noticeKinds = Object.keys(topicOf) as readonly NoticeKind[]

function isNoticeKind(type: EventType): type is NoticeKind & EventType {
  return Object.hasOwn(topicOf, type)
}

export function noticeOf(event: AccountEvent, profile: AccountProfile): Notice | undefined {
  if (!isNoticeKind(event.type)) return undefined
  return make[event.type](new Said(event), profile)
}

/** The data of an event by name. */
class Said {
  readonly event: AccountEvent

  constructor(event: AccountEvent) {
    this.event = event
  }

  text(name: string): string {
    return this.event.data[name] ?? ''
  }

  optional(name: string): string | undefined {
    return this.event.data[name]
  }

  number(name: string): number {
    const number = Number(this.text(name))
    if (!Number.isSafeInteger(number)) throw this.#unfit(name)
    return number
  }

  money(name: string): Money {
    const digits = this.text(name)
    if (!/^-?\d{1,16}$/.test(digits)) throw this.#unfit(name)
    return { micros: BigInt(digits), currency: this.text('currency') }
  }

  oneOf<const Word extends string>(name: string, words: readonly Word[]): Word {
    const found = words.find((word) => word === this.text(name))
    if (found === undefined) throw this.#unfit(name)
    return found
  }

  #unfit(name: string): Fault {
    return new Fault('unexpected', `the event ${this.event.id} (${this.event.type}) has no ${name} that can be read`)
  }
}

type Make = { readonly [Kind in NoticeKind]: (said: Said, profile: AccountProfile) => Extract<Notice, { kind: Kind }> }

const make: Make = {
  'balance.low': (said) => ({
    kind: 'balance.low',
    facts: { available: said.money('available'), threshold: said.money('threshold') },
  }),
  'balance.exhausted': (said) => ({ kind: 'balance.exhausted', facts: { available: said.money('available') } }),
  'minutes.low': (said, profile) => ({
    kind: 'minutes.low',
    facts: { ...minutesOf(said, profile), leftSeconds: said.number('remaining'), grantedSeconds: said.number('total') },
  }),
  'minutes.exhausted': (said, profile) => ({ kind: 'minutes.exhausted', facts: minutesOf(said, profile) }),
  'bundle.declined': (said) => ({ kind: 'bundle.declined', facts: declinedOf(said) }),
  'bundle.stopped': (said) => ({
    kind: 'bundle.stopped',
    facts: { reason: said.oneOf('reason', ['staff', 'declined', 'card_missing']) },
  }),
  'recharge.failed': (said) => ({ kind: 'recharge.failed', facts: declinedOf(said) }),
  'recharge.paused': (said) => ({ kind: 'recharge.paused', facts: pauseOf(said) }),
  'recharge.capped': (said) => ({
    kind: 'recharge.capped',
    facts: { ...cappedOf(said), amount: said.money('amount') },
  }),
  'payment.succeeded': (said) => ({
    kind: 'payment.succeeded',
    facts: {
      receipt: said.text('receipt'),
      kind: said.text('kind') as PaymentKind,
      amount: said.money('amount'),
      card: said.text('card'),
      atMs: said.event.atMs,
    },
  }),
  'payment.refunded': (said) => ({
    kind: 'payment.refunded',
    facts: { amount: said.money('amount'), card: said.text('card'), receipt: said.optional('receipt') },
  }),
  'spend.capped': (said) => ({ kind: 'spend.capped', facts: { ...cappedOf(said), spent: said.money('spent') } }),
}

/** A pool that is gone is called by its id. */
function minutesOf(said: Said, profile: AccountProfile): Minutes {
  const pool = profile.pools.find(({ id }) => id === said.text('pool'))
  return { pool: pool?.name ?? said.text('pool'), resetsAtMs: pool?.resetsAtMs }
}

function declinedOf(said: Said): Declined {
  return {
    amount: said.money('amount'),
    card: said.text('card'),
    reason: said.text('reason'),
    nextAtMs: said.optional('nextAt') === undefined ? undefined : said.number('nextAt'),
  }
}

function cappedOf(said: Said): CappedPeriod {
  return { period: said.oneOf('period', ['day', 'month']), of: said.text('of'), cap: said.money('cap') }
}

function pauseOf(said: Said): PauseReason {
  const reason = said.oneOf('reason', ['failures', 'card_missing', 'staff'])
  return reason === 'failures' ? { reason, failures: said.number('failures') } : { reason }
}
