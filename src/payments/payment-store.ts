/** Where payments are kept: each step is one change of the store, with all that it does to the account. */
import type { AccountProfile } from '../accounts/account.ts'
import type { Page, PageRequest } from '../accounts/office.ts'
import type { Micros } from '../base/money.ts'
import type { EventType } from '../events/event.ts'
import type { JournalEntry } from '../ledger/journal.ts'
import type { Payment } from './payment.ts'
import type { ProviderCharge } from './provider.ts'
import type { PaymentRefused } from './refusal.ts'

export interface PaymentStore {
  /** The profile as it is now, and the partition of its account. */
  accountOf(account: string): Promise<PayingAccount | undefined>
  /** Stores the intent, once for each id and each operation; `make` is asked again when the profile changed meanwhile. */
  open(account: string, make: (account: PayingAccount) => Opening | PaymentRefused): Promise<Opened | PaymentRefused>
  find(id: string): Promise<Payment | undefined>
  /**
   * Changes a payment by what `decide` makes of it as it is; asked again when somebody else was faster. Answers with the
   * payment afterwards, also when nothing was to be changed; undefined when there is none.
   */
  change(id: string, decide: Decide): Promise<Payment | PaymentRefused | undefined>
  list(account: string, page: PageRequest): Promise<Page<Payment>>
  /** The payment whose receipt of the account has this number. */
  byReceipt(account: string, number: number): Promise<Payment | undefined>
  /** Payments that are to be looked after; those that still are when the lease is over come again. */
  claimDue(nowMs: number, leaseMs: number): Promise<Due>
  /** Payments opened from an instant on. */
  openedSince(sinceMs: number): AsyncIterable<Payment>
  /** Remembers a charge that is none of ours; false when it was known. */
  noteStray(provider: string, charge: ProviderCharge): Promise<boolean>
}

export interface Due {
  readonly payments: readonly string[]
  /** Accounts whose recharge is tried again. */
  readonly recharges: readonly string[]
  /** Accounts whose bundles are bought again. */
  readonly renewals: readonly string[]
}

export interface PayingAccount {
  readonly partition: number
  readonly profile: AccountProfile
}

export interface Opening {
  readonly kind: 'opening'
  readonly payment: Payment
  readonly lookupAtMs: number
  /** Unique for the account for ever, with what was asked. */
  readonly operation?: { readonly id: string; readonly content: unknown }
  /** Given after the operation's past: what was taken once is answered again whatever the policy is now. */
  readonly refusal?: PaymentRefused
  /** The newest payment of a renewal was this one, if any, when it was decided on: of those who see it so, one opens. */
  readonly renewal?: { readonly after: string | undefined }
  /** Only one at a time, only below the threshold, and only within the caps. */
  readonly recharge?: { readonly threshold: Micros; readonly dayCap?: Micros; readonly monthCap?: Micros }
}

export interface Opened {
  readonly kind: 'opened' | 'replayed'
  readonly payment: Payment
}

export type Decide = (payment: Payment, profile: AccountProfile) => Change | PaymentRefused | undefined

export interface Change {
  readonly kind: 'change'
  readonly payment: Payment
  readonly lookupAtMs?: number
  /** What it moves on the account. */
  readonly entry?: JournalEntry
  /** Written in the same step where it is another than the one given. */
  readonly profile?: AccountProfile
  /** The provider's charge is credited by this change, and by none after it. */
  readonly credits?: string
  readonly events: readonly PaymentEvent[]
  readonly recharge?: RechargeChange
  /** When bundles are tried to be bought again. */
  readonly renewAtMs?: number
}

export interface PaymentEvent {
  readonly type: EventType
  readonly data: Readonly<Record<string, string>>
}

/** How the change counts for the recharge of the account. */
export type RechargeChange =
  /** After all: it was counted among the failures, and out of the caps, before. */
  | { readonly kind: 'succeeded' | 'succeeded_after_all' }
  | {
      readonly kind: 'failed'
      /** Waits double from here with each failure in a row. */
      readonly backOffMs: number
      readonly maxFailures: number
    }
