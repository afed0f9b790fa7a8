/** The prefixes of a cell: one code, several, or ranges, as carriers write them. What may mean two things is refused. */

export interface Unreadable {
  readonly problem: string
}

/** A cell that would make more rates than this is a mistake. */
const MAX_CODES = 10_000

const TWO_DIGITS = /^(20|27|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])$/
/** Nearly every cell is one code and no more. */
const PLAIN = /^[1-9]\d{0,14}$/

const SEPARATORS = /[,;|/\n]+/
const RANGE = /^(\d+)\s*(-|–|—|to|\.\.)\s*(\d+)$/i
const DASH = /^[-–—]$/

/** A country code of E.164. */
function isCountryCode(text: string): boolean {
  if (text.length === 1) return text === '1' || text === '7'
  return text.length === 2 ? TWO_DIGITS.test(text) : /^[2-9]\d\d$/.test(text) && !TWO_DIGITS.test(text.slice(0, 2))
}

/** "44", "+44 20", "44,4420", "61 38,39", "4420-4429", "^44.*": digits without "+", each once. */
export function readCodes(cell: string, dash?: Dash): readonly string[] | Unreadable {
  if (PLAIN.test(cell)) return [cell]
  const damage = damageIn(cell)
  if (damage !== undefined) return { problem: damage }
  const codes = new Set<string>()
  let country = ''
  for (const part of partsOf(cell)) {
    const found = readPart(part, { country, dash })
    if ('problem' in found) return found
    country = found.country
    for (const code of found.codes) codes.add(code)
    if (codes.size > MAX_CODES) return { problem: `has more than ${MAX_CODES} codes` }
  }
  return codes.size === 0 ? { problem: 'has no code' } : [...codes]
}

/** What "44-47" is: the codes 44 to 47, or 4447. */
export const dashes = ['range', 'area'] as const
export type Dash = (typeof dashes)[number]

interface Reading {
  readonly country: string
  readonly dash: Dash | undefined
}

interface Part {
  /** That of the parts that follow: after "61 38" a bare "39" is 6139. */
  readonly country: string
  readonly codes: readonly string[]
}

function readPart(part: string, { country: before, dash }: Reading): Part | Unreadable {
  const [, first, rest = ''] = /^(\d{1,3})[ \u00a0]+(\d.*)$/.exec(part) ?? []
  if (first === undefined) {
    if (before !== '' && part.startsWith(before)) {
      return { problem: `"${part}" may be ${part} or ${before}${part}: say the country code once, or in every code` }
    }
    return inCountry(part, { country: before, dash })
  }
  if (!isCountryCode(first)) return { problem: `"${part}" may be several codes: separate them by commas` }
  return inCountry(rest, { country: first, dash })
}

function inCountry(text: string, reading: Reading): Part | Unreadable {
  const codes = oneOrRange(text, reading)
  return 'problem' in codes ? codes : { country: reading.country, codes }
}

/** What a spreadsheet has done to a code that cannot be undone. */
function damageIn(cell: string): string | undefined {
  if (/^\d(?:[.,]\d+)?e\+?\d+$/i.test(cell.trim())) {
    return `"${cell}" was shortened by a spreadsheet: its last digits are lost; ask for the file as text or .xlsx`
  }
  if (isGrouped(cell)) return `"${cell}" may be one number in groups of three, or several codes: separate codes by ";"`
  return /^#(N\/A|REF!|VALUE!|NAME\?|DIV\/0!|NUM!|NULL!|#+)$/i.test(cell.trim())
    ? `"${cell}" is an error of a spreadsheet`
    : undefined
}

/** "447,700" and "1,242": a list only where all codes are of one country, as in "44,447". */
function isGrouped(cell: string): boolean {
  if (!/^\d{1,3}(,\d{3})+$/.test(cell)) return false
  const parts = cell.split(',')
  const country = [1, 2, 3].map((length) => cell.slice(0, length)).find(isCountryCode)
  return country === undefined || !parts.every((part) => part.startsWith(country))
}

function partsOf(cell: string): readonly string[] {
  const text = cell
    .replace(/^="?(.*?)"?$/, '$1')
    .replace(/^'/, '')
    .replace(/^(\d+)[.,]0+$/, '$1')
  const parts = text.split(SEPARATORS).map(plainCode)
  return parts.filter((part) => part !== '').flatMap(listOfOneCountry)
}

/** Without "+", international "00", brackets, and the marks of patterns for "and all that follows". */
function plainCode(part: string): string {
  return part
    .trim()
    .replace(/^\^/, '')
    .replace(/(\.?\*|%)$/, '')
    .replace(/[()]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^\+\s*|^00(?=[1-9])/, '')
}

/** "4420 4421 4479" are three codes of one country. */
function listOfOneCountry(part: string): readonly string[] {
  const words = part.split(' ')
  if (words.length < 2 || words.some((word) => !/^\d{3,}$/.test(word))) return [part]
  const country = [1, 2, 3].map((length) => part.slice(0, length)).find(isCountryCode)
  return country !== undefined && words.every((word) => word.length > country.length && word.startsWith(country))
    ? words
    : [part]
}

function oneOrRange(text: string, { country, dash }: Reading): readonly string[] | Unreadable {
  const range = RANGE.exec(text)
  if (range) {
    const [, from = '', mark = '', to = ''] = range
    const isArea = country === '' && DASH.test(mark) && isCountryCode(from)
    return isArea ? areaOrRange(from, to, dash) : rangeOf(from, to, country)
  }
  return checked(`${country}${withoutDashes(text)}`, text)
}

/** "1-876-555" and "1.876". */
function withoutDashes(text: string): string {
  const [, first] = /^(\d{1,3})-\d+(?:-\d+)*$/.exec(text) ?? []
  return (first !== undefined && isCountryCode(first) ? text.replaceAll('-', '') : text).replaceAll('.', '')
}

function checked(code: string, text: string): readonly string[] | Unreadable {
  if (!/^\d+$/.test(code)) return { problem: `"${text}" is no code: it must be digits` }
  if (code.startsWith('0')) return { problem: `"${text}" begins with 0: no country code does` }
  return code.length > 15 ? { problem: `"${text}" is longer than 15 digits` } : [code]
}

/** "1-876" can only be a country and an area; "61-8" may be 61 to 68 too, which are other countries. */
function areaOrRange(from: string, to: string, dash: Dash | undefined): readonly string[] | Unreadable {
  const text = `${from}-${to}`
  const isRange = to.length <= from.length && lastOf(from, to) >= Number(from)
  if (isRange && dash === undefined) {
    const last = String(lastOf(from, to))
    return { problem: `"${text}" may be ${from} to ${last} or ${from}${to}: say --dash range or area` }
  }
  return isRange && dash === 'range' ? rangeOf(from, to, '') : checked(`${from}${to}`, text)
}

/** "79" after "4471" is 4479. */
function lastOf(from: string, to: string): number {
  return Number(from.slice(0, from.length - to.length) + to)
}

/** "4420-4429", "4471-79" (up to 4479). */
function rangeOf(from: string, to: string, country: string): readonly string[] | Unreadable {
  const text = `${from}-${to}`
  if (to.length > from.length) return { problem: `"${text}" is no range: its ends must have the same length` }
  const last = lastOf(from, to)
  const first = Number(from)
  if (from.length + country.length > 15) return { problem: `"${text}" is longer than 15 digits` }
  if (last < first) return { problem: `"${text}" ends before it begins` }
  if (last - first >= MAX_CODES) return { problem: `"${text}" is more than ${MAX_CODES} codes` }
  const codes = Array.from({ length: last - first + 1 }, (_, at) => {
    return `${country}${String(first + at).padStart(from.length, '0')}`
  })
  const bad = codes[0]?.startsWith('0') === true
  return bad ? { problem: `"${text}" begins with 0: no country code does` } : codes
}
