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
const RANGE = /^(\d+)\s*(?:-|–|—|to|\.\.)\s*(\d+)$/i

/** A country code of E.164. */
function isCountryCode(text: string): boolean {
  if (text.length === 1) return text === '1' || text === '7'
  return text.length === 2 ? TWO_DIGITS.test(text) : /^[2-9]\d\d$/.test(text) && !TWO_DIGITS.test(text.slice(0, 2))
}

/** "44", "+44 20", "44,4420", "61 38,39", "4420-4429", "^44.*": digits without "+", each once. */
export function readCodes(cell: string): readonly string[] | Unreadable {
  if (PLAIN.test(cell)) return [cell]
  const damage = damageIn(cell)
  if (damage !== undefined) return { problem: damage }
  const codes = new Set<string>()
  let country = ''
  for (const part of partsOf(cell)) {
    const found = readPart(part, country)
    if ('problem' in found) return found
    country = found.country
    for (const code of found.codes) codes.add(code)
    if (codes.size > MAX_CODES) return { problem: `has more than ${MAX_CODES} codes` }
  }
  return codes.size === 0 ? { problem: 'has no code' } : [...codes]
}

interface Part {
  /** That of the parts that follow: after "61 38" a bare "39" is 6139. */
  readonly country: string
  readonly codes: readonly string[]
}

function readPart(part: string, before: string): Part | Unreadable {
  const [, first, rest = ''] = /^(\d{1,3})[ \u00a0]+(\d.*)$/.exec(part) ?? []
  if (first === undefined) {
    if (before !== '' && part.startsWith(before)) {
      return { problem: `"${part}" may be ${part} or ${before}${part}: say the country code once, or in every code` }
    }
    return inCountry(part, before)
  }
  if (!isCountryCode(first)) return { problem: `"${part}" may be several codes: separate them by commas` }
  return inCountry(rest, first)
}

function inCountry(text: string, country: string): Part | Unreadable {
  const codes = oneOrRange(text, country)
  return 'problem' in codes ? codes : { country, codes }
}

/** What a spreadsheet has done to a code that cannot be undone. */
function damageIn(cell: string): string | undefined {
  if (/^\d(?:[.,]\d+)?e\+?\d+$/i.test(cell.trim())) {
    return `"${cell}" was shortened by a spreadsheet: its last digits are lost; ask for the file as text or .xlsx`
  }
  return /^#(N\/A|REF!|VALUE!|NAME\?|DIV\/0!|NUM!|NULL!|#+)$/i.test(cell.trim())
    ? `"${cell}" is an error of a spreadsheet`
    : undefined
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

function oneOrRange(text: string, country: string): readonly string[] | Unreadable {
  const range = RANGE.exec(text)
  if (range) return rangeOf(range[1] ?? '', range[2] ?? '', country)
  const dashed = /^(\d{1,3})-(\d+(?:-\d+)*)$/.exec(text)
  const digits = (dashed && isCountryCode(dashed[1] ?? '') ? text.replaceAll('-', '') : text).replaceAll('.', '')
  return checked(`${country}${digits}`, text)
}

function checked(code: string, text: string): readonly string[] | Unreadable {
  if (!/^\d+$/.test(code)) return { problem: `"${text}" is no code: it must be digits` }
  if (code.startsWith('0')) return { problem: `"${text}" begins with 0: no country code does` }
  return code.length > 15 ? { problem: `"${text}" is longer than 15 digits` } : [code]
}

/** "4420-4429", "4471-79" (up to 4479), and "1-876", which is no range but a country and an area. */
function rangeOf(from: string, to: string, country: string): readonly string[] | Unreadable {
  const text = `${from}-${to}`
  if (to.length > from.length) {
    if (country === '' && isCountryCode(from)) return checked(`${from}${to}`, text)
    return { problem: `"${text}" is no range: its ends must have the same length` }
  }
  const last = Number(from.slice(0, from.length - to.length) + to)
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
