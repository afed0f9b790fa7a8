/** What the office refuses, as problems. */
import type { OfficeRefused } from '../../../accounts/office.ts'
import { HttpProblem } from '../problem.ts'

/** The answer, unless it is a refusal. */
export function accepted<Saved extends { readonly kind: string }>(answer: Saved | OfficeRefused): Saved {
  if (isRefusal(answer)) throw officeProblem(answer)
  return answer
}

function isRefusal(answer: { readonly kind: string }): answer is OfficeRefused {
  return answer.kind === 'refused'
}

function officeProblem({ code, detail, field }: OfficeRefused): HttpProblem {
  const errors = field === undefined ? {} : { errors: [{ pointer: field, message: detail, code: 'value' as const }] }
  return new HttpProblem(code, detail, errors)
}
