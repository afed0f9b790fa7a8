/** Receipts as the payments that have them. */
import type { PageRequest } from '../accounts/office.ts'
import type { PaidReceipt, PaidReceipts } from '../notices/receipts.ts'
import type { PaymentStore } from '../payments/payment-store.ts'
import type { Payment } from '../payments/payment.ts'

const AT_ONCE = 500

/** So many payments are looked through for one receipt, the newest first. */
const MOST = 50_000

export function paidReceipts(payments: Pick<PaymentStore, 'list'>): PaidReceipts {
  const list = async (account: string, page: PageRequest) => {
    const { items, ...rest } = await payments.list(account, page)
    return { items: items.flatMap(receiptOf), ...rest }
  }
  return {
    list,
    async find(account, receipt) {
      let cursor: string | undefined
      for (let looked = 0; looked < MOST; looked += AT_ONCE) {
        const page = await list(account, { limit: AT_ONCE, ...(cursor === undefined ? {} : { cursor }) })
        const found = page.items.find((one) => one.receipt === receipt)
        cursor = page.nextCursor
        if (found || cursor === undefined) return found
      }
      return undefined
    },
  }
}

function receiptOf(payment: Payment): readonly PaidReceipt[] {
  const { receipt, id, account, kind, amount, currency, card, buyer, openedAtMs } = payment
  if (receipt === undefined) return []
  const paid = { receipt, payment: id, account, kind, amount, currency, card: `${card.brand} ${card.last4}` }
  return [{ ...paid, ...(buyer === undefined ? {} : { buyer }), paidAtMs: openedAtMs }]
}
