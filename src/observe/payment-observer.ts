/** Payments in the log and in figures: never a token, a secret or a mail address. */
import { formatAmount } from '../base/money.ts'
import type { Disagreement, PaymentObserver } from '../payments/cashier.ts'
import type { Payment } from '../payments/payment.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'

export function createPaymentObserver({
  log,
  metrics,
}: {
  readonly log: Logger
  readonly metrics: Metrics
}): PaymentObserver {
  return {
    moved(payment: Payment) {
      const { id, account, kind, state, amount, currency, reason, refunds } = payment
      metrics.paymentMoved(kind, refunds.length > 0 ? 'refund' : state)
      log.info({ payment: id, account, kind, state, amount: formatAmount(amount), currency, reason }, 'payment')
    },
    disagreed(what: Disagreement) {
      metrics.paymentDisagreed(what.kind)
      const said = 'amount' in what ? { ...what, amount: formatAmount(what.amount) } : what
      log.error(said, 'the payment provider and the books do not agree: a person must look')
    },
  }
}
