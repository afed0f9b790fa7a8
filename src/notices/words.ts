/** Amounts, times and minutes as people of one language and zone write them. */
import type { Language } from '../accounts/contacts.ts'
import { formatAmount, type Micros } from '../base/money.ts'

export interface Money {
  readonly micros: Micros
  readonly currency: string
}

const SECONDS_OF_MINUTE = 60
const MICROS_DIGITS = 6

const locales: Readonly<Record<Language, string>> = { en: 'en-US', de: 'de-DE' }

export class Words {
  readonly #locale: string
  readonly #timezone: string

  constructor(language: Language, timezone: string) {
    this.#locale = locales[language]
    this.#timezone = timezone
  }

  /** Exactly, to the micro. */
  amount({ micros, currency }: Money): string {
    return this.#currency(currency, { maximumFractionDigits: MICROS_DIGITS }).format(decimal(micros))
  }

  /** In whole cents, never more than there is. */
  balance({ micros, currency }: Money): string {
    return this.#currency(currency, { roundingMode: 'floor' }).format(decimal(micros))
  }

  /** Whole minutes, never more than there are. */
  minutes(seconds: number): string {
    const minutes = Math.floor(seconds / SECONDS_OF_MINUTE)
    return new Intl.NumberFormat(this.#locale, { style: 'unit', unit: 'minute', unitDisplay: 'long' }).format(minutes)
  }

  moment(atMs: number): string {
    const format = new Intl.DateTimeFormat(this.#locale, {
      timeZone: this.#timezone,
      year: 'numeric',
      month: 'long',
      day: 'numeric',
      hour: 'numeric',
      minute: '2-digit',
      timeZoneName: 'short',
    })
    return format.format(atMs)
  }

  /** "2026-11-28" or "2026-11", in whichever zone it was named. */
  period(of: string): string {
    const isDay = of.length > 'yyyy-mm'.length
    const atMs = Date.parse(isDay ? of : `${of}-01`)
    const day = isDay ? ({ day: 'numeric' } as const) : {}
    const format = new Intl.DateTimeFormat(this.#locale, { timeZone: 'UTC', year: 'numeric', month: 'long', ...day })
    return format.format(atMs)
  }

  #currency(currency: string, more: Intl.NumberFormatOptions): Intl.NumberFormat {
    return new Intl.NumberFormat(this.#locale, { style: 'currency', currency, ...more })
  }
}

/** Decimal text is formatted exactly, which a number might not be. */
function decimal(micros: Micros): Intl.StringNumericLiteral {
  return formatAmount(micros) as Intl.StringNumericLiteral
}
