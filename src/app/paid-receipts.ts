/** Receipts as the payments that have them. */
import type { PaidReceipt, PaidReceipts } from '../notices/receipts.ts'
import type { PaymentStore } from '../payments/payment-store.ts'
import type { Payment } from '../payments/payment.ts'

export function paidReceipts(payments: Pick<PaymentStore, 'list' | 'byReceipt'>): PaidReceipts {
  return {
    async list(account, page) {
      const { items, ...rest } = await payments.list(account, page)
      return { items: items.flatMap(receiptOf), ...rest }
    },
    async find(account, receipt) {
      const number = numberOf(account, receipt)
      const payment = number === undefined ? undefined : await payments.byReceipt(account, number)
      return payment && receiptOf(payment)[0]
    },
  }
}

/** Of "<account>-<n>". */
function numberOf(account: string, receipt: string): number | undefined {
  const digits = receipt.startsWith(`${account}-`) ? receipt.slice(account.length + 1) : ''
  return /^[1-9]\d{0,14}$/.test(digits) ? Number(digits) : undefined
}

function receiptOf(payment: Payment): readonly PaidReceipt[] {
  const { receipt, id, account, kind, amount, currency, card, buyer } = payment
  if (receipt === undefined) return []
  const paid = { receipt, payment: id, account, kind, amount, currency, card: `${card.brand} ${card.last4}` }
  const paidAtMs = payment.succeededAtMs ?? payment.openedAtMs
  return [{ ...paid, ...(buyer === undefined ? {} : { buyer }), paidAtMs }]
}
