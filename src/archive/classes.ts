/** Classes of charges as PostgreSQL answers with them. */
import { type ChargeClass, chargeClasses } from '../accounts/charge-class.ts'

/** None where there is none. */
export function classOf(word: string | null): { readonly class?: ChargeClass } {
  const found = chargeClasses.find((each) => each === word)
  return found === undefined ? {} : { class: found }
}
