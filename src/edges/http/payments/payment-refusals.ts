/** What is refused at the till, as problems. */
import type { PaymentRefused } from '../../../payments/refusal.ts'
import { HttpProblem } from '../problem.ts'

/** The answer, unless it is a refusal. */
export function taken<Answer extends object>(answer: Answer | PaymentRefused): Exclude<Answer, PaymentRefused> {
  if (isRefusal(answer)) throw paymentProblem(answer)
  return answer as Exclude<Answer, PaymentRefused>
}

function isRefusal(answer: object): answer is PaymentRefused {
  return 'kind' in answer && answer.kind === 'refused'
}

function paymentProblem({ code, detail, field }: PaymentRefused): HttpProblem {
  const errors = field === undefined ? {} : { errors: [{ pointer: field, message: detail, code: 'value' as const }] }
  return new HttpProblem(code, detail, errors)
}
