/** Receipts of payments: read by their number, and sent again. */
import type { Page, PageRequest } from '../accounts/office.ts'
import type { Micros } from '../base/money.ts'

export type PaymentKind = 'credit' | 'bundle' | 'dialer' | 'recharge'

/** A payment that succeeded, as its receipt says it. */
export interface PaidReceipt {
  /** "<account>-<n>". */
  readonly receipt: string
  readonly payment: string
  readonly account: string
  readonly kind: PaymentKind
  readonly amount: Micros
  readonly currency: string
  /** Brand and last four digits. */
  readonly card: string
  /** Mail address of the staff member who bought; absent where nobody did. */
  readonly buyer?: string
  readonly paidAtMs: number
}

/** The port to payments that succeeded. */
export interface PaidReceipts {
  find(account: string, receipt: string): Promise<PaidReceipt | undefined>
  list(account: string, page: PageRequest): Promise<Page<PaidReceipt>>
}
