/**
 * Longest prefix wins. Prefixes stand in one open-addressing table under the number "1" + digits, which for 15 digits
 * is below 2^53 and so exact in a double. A prefix is bound to one whole number: the first row of its chain of rates.
 */

/** No row: the answer for what is not in the table, and the end of a chain of rows. */
export const NO_ROW = 0xffff_ffff

const MAX_PREFIX_DIGITS = 15

const FIRST_CAPACITY = 1024

/** The part of a number that a prefix can match: its leading digits, at most 15. */
export interface NumberKey {
  readonly key: number
  readonly length: number
}

export function numberKey(digits: string): NumberKey {
  const most = Math.min(digits.length, MAX_PREFIX_DIGITS)
  let key = 1
  let length = 0
  while (length < most) {
    const digit = digits.charCodeAt(length) - 48
    if (digit < 0 || digit > 9) break
    key = key * 10 + digit
    length += 1
  }
  return { key, length }
}

/** The key of the prefix that is one digit shorter. */
export function shorterKey(key: number): number {
  return Math.floor(key / 10)
}

/** "*" is what no other prefix matches. */
export function prefixOfKey(key: number): string {
  return key === 1 ? '*' : String(key).slice(1)
}

/** Both halves of the key are mixed (the finalizer of MurmurHash3), as neighbours differ in their last digits only. */
function hashOf(key: number): number {
  let hash = (key >>> 0) ^ Math.imul(Math.floor(key / 2 ** 32), 0x9e37_79b1)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

export class PrefixIndex {
  /** 0 is an empty place: every key is 1 or more. */
  #keys = new Float64Array(FIRST_CAPACITY)
  #rows = new Uint32Array(FIRST_CAPACITY)
  #size = 0
  /** Bit n is set when a prefix of n digits is in the table, so that other lengths are not looked up. */
  #lengths = 0

  get size(): number {
    return this.#size
  }

  /** In no order. */
  *keys(): Generator<number> {
    for (const key of this.#keys) if (key !== 0) yield key
  }

  hasLength(length: number): boolean {
    return (this.#lengths & (1 << length)) !== 0
  }

  /** The row a prefix is bound to, or NO_ROW. */
  get(key: number): number {
    const place = this.#placeOf(key)
    return this.#keys[place] === key ? (this.#rows[place] ?? NO_ROW) : NO_ROW
  }

  /** Binds a prefix to a row, in place of the one it had. */
  set(prefix: NumberKey, row: number): void {
    if (this.#size * 2 >= this.#keys.length) this.#grow()
    const place = this.#placeOf(prefix.key)
    if (this.#keys[place] !== prefix.key) {
      this.#keys[place] = prefix.key
      this.#size += 1
      this.#lengths |= 1 << prefix.length
    }
    this.#rows[place] = row
  }

  /** Where a key stands, or the empty place where it would. The table is never more than half full. */
  #placeOf(key: number): number {
    const mask = this.#keys.length - 1
    let place = hashOf(key) & mask
    while (this.#keys[place] !== 0 && this.#keys[place] !== key) place = (place + 1) & mask
    return place
  }

  #grow(): void {
    const keys = this.#keys
    const rows = this.#rows
    this.#keys = new Float64Array(keys.length * 2)
    this.#rows = new Uint32Array(rows.length * 2)
    for (const [from, key] of keys.entries()) {
      if (key === 0) continue
      const place = this.#placeOf(key)
      this.#keys[place] = key
      this.#rows[place] = rows[from] ?? NO_ROW
    }
  }
}
