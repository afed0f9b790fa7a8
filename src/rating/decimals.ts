/**
 * Price texts as exact fractions: a price per minute becomes whole parts of micros per second. Each text is read once,
 * however many rows carry it.
 */
import type { Micros } from '../base/money.ts'

/** The longest call a tariff is proved for: a day, and an increment of a day begun in its last second. */
export const MAX_RATED_SECONDS = 172_800

const MAX_DECIMALS = 10
const MAX_TEXT = 32
const DECIMAL = /^\d+(\.\d+)?$/

/** The dearest connect fee; the price of the longest call added to it stays below 2^53 micros. */
const MAX_FEE_MICROS = 2n ** 52n

/**
 * Micros per second are price × 10^6 / 60. A price of d decimals is a whole number over 10^d, so its denominator is
 * 60 × 10^(d − 6) without the common factors: 3 up to four decimals, then 6, 60, … Each divides the next.
 */
export const DENOMINATORS: readonly bigint[] = [3n, 6n, 60n, 600n, 6000n, 60_000n, 600_000n]

/** Numerator and denominator of micros per second. */
export interface PerSecond {
  readonly numerator: number
  /** Index into DENOMINATORS. */
  readonly scale: number
}

/** A text that is no price, and why. */
export interface NotAPrice {
  readonly problem: string
}

interface DecimalParts {
  readonly units: string
  /** Without zeros at its end. */
  readonly fraction: string
}

function readDecimal(text: string, maxDecimals: number): DecimalParts | NotAPrice {
  if (text.length > MAX_TEXT || !DECIMAL.test(text)) {
    return { problem: `${JSON.stringify(text.slice(0, MAX_TEXT))} is no amount such as "0.0125"` }
  }
  const [units = '0', padded = ''] = text.split('.')
  const fraction = padded.replace(/0+$/, '')
  if (fraction.length > maxDecimals) return { problem: `${text} has more than ${maxDecimals} decimals` }
  return { units, fraction }
}

/** "0.0125" a minute to a fraction of micros per second, refused where a call of MAX_RATED_SECONDS reaches 2^53. */
export function readPerMinute(text: string): PerSecond | NotAPrice {
  const parts = readDecimal(text, MAX_DECIMALS)
  if ('problem' in parts) return parts
  const scale = Math.max(parts.fraction.length - 4, 0)
  const whole = BigInt(parts.units + parts.fraction.padEnd(scale + 4, '0'))
  // 10^6 / 60 is 10^(4) × 5 / 3 for up to four decimals, 10^5 / 6 for five, and so on down to 1 / 60.
  const numerator = scale === 0 ? whole * 5n : whole
  if (numerator * BigInt(MAX_RATED_SECONDS) >= 2n ** 53n)
    return { problem: `${text} a minute is too dear to count exactly` }
  return { numerator: Number(numerator), scale }
}

/** A connect fee is paid once, so it is whole micros. */
export function readFee(text: string): { readonly micros: Micros } | NotAPrice {
  const parts = readDecimal(text, 6)
  if ('problem' in parts) return parts
  const micros = BigInt(parts.units + parts.fraction.padEnd(6, '0'))
  return micros <= MAX_FEE_MICROS ? { micros } : { problem: `${text} is too dear to count exactly` }
}

/** Values of texts that occur again and again, each kept once under a number. */
export class TextTable<Value> {
  readonly #texts: string[] = []
  readonly #values: Value[] = []
  readonly #ids = new Map<string, number>()
  readonly #read: (text: string) => Value | NotAPrice

  constructor(read: (text: string) => Value | NotAPrice) {
    this.#read = read
  }

  idOf(text: string): number | NotAPrice {
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    const value = this.#read(text)
    if (typeof value === 'object' && value !== null && 'problem' in value) return value
    this.#ids.set(text, this.#texts.length)
    this.#values.push(value)
    return this.#texts.push(text) - 1
  }

  textOf(id: number): string | undefined {
    return this.#texts[id]
  }

  valueOf(id: number): Value | undefined {
    return this.#values[id]
  }

  /** Forgets how texts are found; the numbers stay. */
  seal(): void {
    this.#ids.clear()
  }
}
