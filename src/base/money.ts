/**
 * Money is whole micros (10⁻⁶ of the account's currency). Prices and text become micros here and nowhere else.
 */
export type Micros = bigint

export type RoundingMode = 'half_up' | 'up' | 'down'

const MICROS_PER_UNIT = 1_000_000n

/** Lua compares amounts as doubles, so every amount and every sum of amounts stays below 2^53. */
export const MAX_MICROS = 2n ** 53n - 1n

const AMOUNT = /^-?\d{1,10}(\.\d{1,6})?$/

/** Text such as "12.5" or "-0.000001" to micros; undefined when it is no amount or not below 2^53 micros. */
export function parseAmount(text: string): Micros | undefined {
  if (!AMOUNT.test(text)) return undefined
  const negative = text.startsWith('-')
  const [units = '0', fraction = ''] = (negative ? text.slice(1) : text).split('.')
  const micros = BigInt(units) * MICROS_PER_UNIT + BigInt(fraction.padEnd(6, '0'))
  if (micros > MAX_MICROS) return undefined
  return negative ? -micros : micros
}

/** Micros as a decimal string with six places: 20000n is "0.020000". */
export function formatAmount(micros: Micros): string {
  const size = micros < 0n ? -micros : micros
  const fraction = (size % MICROS_PER_UNIT).toString().padStart(6, '0')
  return `${micros < 0n ? '-' : ''}${size / MICROS_PER_UNIT}.${fraction}`
}

/** numerator / denominator as a whole number; the denominator is more than zero. */
export function divide(numerator: bigint, denominator: bigint, mode: RoundingMode): bigint {
  const quotient = numerator / denominator
  const rest = numerator % denominator
  if (rest === 0n) return quotient
  const away = numerator < 0n ? -1n : 1n
  if (mode === 'down') return quotient
  if (mode === 'up') return numerator > 0n ? quotient + 1n : quotient
  const twice = (rest < 0n ? -rest : rest) * 2n
  return twice >= denominator ? quotient + away : quotient
}
