/** What a column of a carrier's rate deck may be called, and what its title says of currency and unit. */

/** What a column may be; `ignore` is one that is known to be of no use. */
export const deckFields = [
  'prefix',
  'country_code',
  'area_code',
  'destination',
  'country',
  'direction',
  'per_minute',
  'connect_fee',
  'increments',
  'first_increment',
  'next_increment',
  'minimum_seconds',
  'no_charge_seconds',
  'effective_from',
  'valid_from',
  'valid_until',
  'blocked',
  'status',
  'currency',
  'ignore',
] as const

export type DeckField = (typeof deckFields)[number]

/** Titles without case, blanks and punctuation. */
const ALIASES: Readonly<Record<Exclude<DeckField, 'ignore'>, string>> = {
  prefix:
    'prefix code codes dialcode dialcodes dialingcode dialingcodes dialprefix dialingprefix digits dialdigits ' +
    'destinationcode destcode destinationprefix destprefix ccac prefixcode fullcode phonecode numberprefix pattern ' +
    'vorwahl prefijo prefisso indicatif préfixe',
  country_code: 'countrycode countrycodes cc ctrycode countrydialcode',
  area_code: 'areacode areacodes area ac citycode citycodes breakoutcode npa ndc',
  destination:
    'destination description destinationname dest routename route name zone zonename breakout areaname network operator ' +
    'countrydestination countrybreakout countrynetwork locality ziel destino destinazione',
  country: 'country countryname land pays país paese',
  direction: 'direction',
  per_minute:
    'perminute rate price cost charge tariff newrate newprice buyrate buyprice sellrate sellprice callrate voicerate ' +
    'minuteprice minuterate usagerate unitrate unitprice rateperminute pricepermin amount ' +
    'preis minutenpreis prix tarif precio tarifa prezzo tariffa',
  connect_fee:
    'connectfee connectcost connectcharge connectionfee connectioncost connectioncharge setupfee setupcost setupcharge ' +
    'setup surcharge ratepercall percall costpercall pricepercall flagfall callsetup',
  increments:
    'increments increment billingincrement billingincrements billing billingterms billinginterval interval intervals ' +
    'rounding pulse granularity chargeinterval billingtype takt taktung',
  first_increment:
    'firstincrement initialincrement initialinterval interval1 firstinterval initialperiod initialblock initial ' +
    'firstperiod min1 minimumincrement',
  next_increment: 'nextincrement subsequentincrement intervaln nextinterval secondinterval interval2 subsequent n1',
  minimum_seconds: 'minimumseconds minimumduration minduration mintime minimumtime minimum minseconds',
  no_charge_seconds: 'nochargeseconds graceperiod grace graceseconds freeseconds nochargetime',
  effective_from:
    'effectivefrom effectivedate effdate effective eff effectivedatetime startdate start from datefrom activationdate ' +
    'begindate begins dateeffective changedate effectivesince gültigab gueltigab',
  valid_from: 'validfrom',
  valid_until: 'validuntil validto until to enddate end expirydate expiry expires expirationdate effectiveto dateto',
  blocked: 'blocked barred',
  status: 'status change changes changetype ratechange action ratestatus codestatus changestatus',
  currency: 'currency curr ccy currencycode',
}

const FIELDS: ReadonlyMap<string, DeckField> = new Map(
  Object.entries(ALIASES).flatMap(([field, names]) => names.split(' ').map((name) => [name, field as DeckField])),
)

/** What a title says of the prices below it. */
export interface PriceTitle {
  readonly currency?: string
  readonly per: 'minute' | 'second'
  /** Cents and pence. */
  readonly minor: boolean
}

export interface Title {
  readonly field?: DeckField
  readonly price?: PriceTitle
}

/** Words of English that are currencies too. */
const NO_CURRENCY = new Set(['ALL', 'TOP', 'TRY', 'PEN', 'CUP'])
const CURRENCIES = new Set(Intl.supportedValuesOf('currency').filter((code) => !NO_CURRENCY.has(code)))

const PER_SECOND = /^(sec|secs|second|seconds)$/
const PER_MINUTE = /^(min|mins|minute|minutes|ppm|cpm)$/
const MINOR = /^(cent|cents|pence|c|ct|cts|usc|eurc|ppm|cpm)$/
const FILLERS = /^(per|in|of|the|net|excl|vat)$/
const SAYS_NO_NAME = [PER_SECOND, PER_MINUTE, MINOR, FILLERS]

/** "Dial Code", "DIALCODE" and "dial_code" are one title. */
export function squashedTitle(title: string): string {
  return title.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
}

export function readTitle(title: string): Title {
  const whole = FIELDS.get(squashedTitle(title))
  if (whole !== undefined && !isPrice(whole)) return { field: whole }
  const { name, price } = splitTitle(title)
  const field = whole ?? (name === '' && saysUnit(title) ? 'per_minute' : FIELDS.get(name))
  return isPrice(field) ? { field, price } : {}
}

/** Of a title that is known to stand over prices. */
export function readPriceTitle(title: string): PriceTitle {
  return splitTitle(title).price
}

function isPrice(field: DeckField | undefined): field is 'per_minute' | 'connect_fee' {
  return field === 'per_minute' || field === 'connect_fee'
}

/** "USD/min" has no other name. */
function saysUnit(title: string): boolean {
  const words = wordsOf(title)
  return words.some(
    (word) => CURRENCIES.has(word) || PER_MINUTE.test(word.toLowerCase()) || PER_SECOND.test(word.toLowerCase()),
  )
}

function wordsOf(title: string): readonly string[] {
  const spelt = title
    .replace(/€/g, ' EUR ')
    .replace(/£/g, ' GBP ')
    .replaceAll('¢', 'c')
    .replace(/\bUS(?=\$| ?c(ents?|ts?)?\b)/gi, 'USD ')
  return spelt.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '')
}

/** "Rate (USD/min)", "Price per second, EUR", "US¢/min": what it is called, and of what the prices are. */
function splitTitle(title: string): { readonly name: string; readonly price: PriceTitle } {
  const words = wordsOf(title)
  const currency = words.find((word) => CURRENCIES.has(word))
  const left = words.filter((word) => word !== currency).map((word) => word.toLowerCase())
  const says = (pattern: RegExp): boolean => left.some((word) => pattern.test(word))
  const name = left.filter((word) => !SAYS_NO_NAME.some((known) => known.test(word))).join('')
  const unit = { per: says(PER_SECOND) ? ('second' as const) : ('minute' as const), minor: says(MINOR) }
  return { name, price: currency === undefined ? unit : { ...unit, currency } }
}

/** The currency that a line above the table names: "Currency: EUR", "All rates in USD". */
export function currencyIn(text: string): string | undefined {
  if (!/currency|rates?\b|prices?\b|valuta|währung/i.test(text)) return undefined
  const found = new Set((text.match(/\b[A-Z]{3}\b/g) ?? []).filter((word) => CURRENCIES.has(word)))
  return found.size === 1 ? [...found][0] : undefined
}

export function isCurrency(code: string): boolean {
  return CURRENCIES.has(code) || NO_CURRENCY.has(code)
}
