/** Prices as carriers write them: currency beside the number, decimal comma or point, grouped thousands. */
import { Decimal } from 'decimal.js'
import type { Unreadable } from './codes.ts'
import { isCurrency, type PriceTitle } from './columns.ts'

export type DecimalMark = 'comma' | 'point'

/** What prices of one file have in common. */
export interface AmountRules {
  readonly mark?: DecimalMark | undefined
  readonly currency?: string | undefined
}

const SYMBOLS: Readonly<Record<string, string>> = { '€': 'EUR', '£': 'GBP' }
const PLAIN = /^\d+(\.\d+)?$/
/** ".0125", as some spreadsheets show it. */
const BARE = /^[.,]\d+$/
/** Nearly every price is this and no more. */
const FRACTION = /^\d+[.,]\d+$/
const SMALL = /^\d(?:[.,]\d+)?e-\d{1,2}$/i
const WORD = /^(\p{L}{3}|[€£$])?\s*([\d.,'\s\u00a0]+)\s*(\p{L}{3}|[€£$])?$/u

/** Reads the prices of one file: the first that can only be read in one way settles its decimal mark. */
export class AmountReader {
  readonly #rules: AmountRules
  #mark: DecimalMark | undefined
  #because = ''

  constructor(rules: AmountRules) {
    this.#rules = rules
    this.#mark = rules.mark
  }

  /** Decimal text with a point, as it is charged a minute where `unit` says that it is of another. */
  read(cell: string, unit?: PriceTitle): string | Unreadable {
    const trimmed = cell.trim()
    const text = BARE.test(trimmed) ? `0${trimmed}` : trimmed
    const number = FRACTION.test(text) ? this.#single(text, { mark: markIn(text), cell: text }) : this.#plain(text)
    if (typeof number !== 'string') return number
    if (!unit || (unit.per === 'minute' && !unit.minor)) return number
    return new Decimal(number)
      .times(unit.per === 'second' ? 60 : 1)
      .div(unit.minor ? 100 : 1)
      .toFixed()
  }

  #plain(text: string): string | Unreadable {
    if (SMALL.test(text)) return new Decimal(text.replace(',', '.')).toFixed()
    const [, before = '', body = '', after = ''] = WORD.exec(text) ?? []
    if (!/\d/.test(body)) return { problem: `"${text}" is no price` }
    const wrong = this.#wrongCurrency(before) ?? this.#wrongCurrency(after)
    if (wrong !== undefined) return { problem: wrong }
    return this.#unmarked(body.replace(/[\s\u00a0']/g, ''), text)
  }

  #wrongCurrency(word: string): string | undefined {
    const code = SYMBOLS[word] ?? word.toUpperCase()
    const { currency } = this.#rules
    if (word === '' || word === '$' || code === currency) return undefined
    return isCurrency(code) ? `is in ${code}, the tariff in ${currency ?? 'another'}` : `"${word}" is no currency`
  }

  #unmarked(text: string, cell: string): string | Unreadable {
    const marks = text.replace(/\d/g, '')
    if (marks === '') return text
    const last = marks.at(-1) ?? ''
    if (new Set(marks).size === 2) return this.#grouped(text, { mark: last === ',' ? 'comma' : 'point', cell })
    if (marks.length > 1)
      return this.#grouped(`${text}${last === ',' ? '.' : ','}`, { mark: last === ',' ? 'point' : 'comma', cell })
    return this.#single(text, { mark: last === ',' ? 'comma' : 'point', cell })
  }

  /** "1.234,56": groups of three before the mark. */
  #grouped(text: string, { mark, cell }: Marked): string | Unreadable {
    const [whole = '', fraction = ''] = text.split(mark === 'comma' ? ',' : '.')
    const groups = mark === 'comma' ? /^\d{1,3}(\.\d{3})+$/ : /^\d{1,3}(,\d{3})+$/
    if (!groups.test(whole) || /[.,]/.test(fraction)) return { problem: `"${cell}" is no price` }
    const digits = whole.replace(/[.,]/g, '')
    return this.#settled(fraction === '' ? digits : `${digits}.${fraction}`, { mark, cell })
  }

  /** One mark: "0,0125" is clear, "1,234" is not until another price or `--decimal` has told. */
  #single(text: string, { mark, cell }: Marked): string | Unreadable {
    const number = text.replace(',', '.')
    if (!PLAIN.test(number)) return { problem: `"${cell}" is no price` }
    const ambiguous = mark === 'comma' && /^[1-9]\d{0,2},\d{3}$/.test(text)
    if (!ambiguous) return this.#settled(number, { mark, cell })
    if (this.#mark === 'comma') return number
    // A price of a thousand a minute is less likely than a file that mixes its marks, so that needs telling.
    if (this.#rules.mark === 'point') return text.replace(',', '')
    return { problem: `"${cell}" may be ${number} or ${text.replace(',', '')}: say --decimal comma or --decimal point` }
  }

  #settled(number: string, { mark, cell }: Marked): string | Unreadable {
    if (this.#mark === undefined) this.#because = cell
    this.#mark ??= mark
    if (this.#mark === mark) return number
    const told = this.#because === '' ? `--decimal ${this.#mark}` : `"${this.#because}" before it`
    return { problem: `"${cell}" has a decimal ${mark}, unlike ${told}` }
  }
}

function markIn(text: string): DecimalMark {
  return text.includes(',') ? 'comma' : 'point'
}

interface Marked {
  readonly mark: DecimalMark
  readonly cell: string
}
