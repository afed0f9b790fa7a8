import { describe, expect, it } from 'vitest'
import { AmountReader } from '../../src/decks/amounts.ts'
import { readCodes } from '../../src/decks/codes.ts'
import { readTitle } from '../../src/decks/columns.ts'
import { DateReader, type DateRules } from '../../src/decks/dates.ts'
import { readIncrements } from '../../src/decks/increments.ts'

const readDate = (cell: string, rules: DateRules): unknown => new DateReader(rules).read(cell)

const problem = (text: string): unknown => ({ problem: expect.stringContaining(text) as string })

describe('codes of a cell', () => {
  it.each([
    ['44', ['44']],
    ['+44', ['44']],
    ['0044', ['44']],
    ["'4420", ['4420']],
    ['="4420"', ['4420']],
    ['4420.0', ['4420']],
    ['^44.*', ['44']],
    ['4420%', ['4420']],
    ['44,4420', ['44', '4420']],
    ['4420; 4421 ;4422', ['4420', '4421', '4422']],
    ['4420\n4421', ['4420', '4421']],
    ['4420|4421/4422', ['4420', '4421', '4422']],
    ['44, 44, 44', ['44']],
    ['4420 4421 4479', ['4420', '4421', '4479']],
    ['44 20', ['4420']],
    ['44 (20)', ['4420']],
    ['61 38,39', ['6138', '6139']],
    ['61 38, 61 39', ['6138', '6139']],
    ['1 204,226-228', ['1204', '1226', '1227', '1228']],
    ['4420-4423', ['4420', '4421', '4422', '4423']],
    ['4420 – 4422', ['4420', '4421', '4422']],
    ['4471-73', ['4471', '4472', '4473']],
    ['1-876', ['1876']],
    ['1-876-555', ['1876555']],
    ['88213', ['88213']],
    ['420775030475555', ['420775030475555']],
  ])('%j are %j', (cell, codes) => {
    expect(readCodes(cell)).toEqual(codes)
  })

  it('with a dash are what was told, where they may be a range and an area', () => {
    expect(readCodes('61-3', 'range')).toEqual(['61', '62', '63'])
    expect(readCodes('61-3', 'area')).toEqual(['613'])
    expect(readCodes('44-77', 'area')).toEqual(['4477'])
    expect(readCodes('44-20')).toEqual(['4420'])
    expect(readCodes('44 to 47')).toEqual(['44', '45', '46', '47'])
    expect(readCodes('4420-4422', 'area')).toEqual(['4420', '4421', '4422'])
    expect(readCodes('61 38-39', 'area')).toEqual(['6138', '6139'])
  })

  it('in groups of three digits are several where all are of one country', () => {
    expect(readCodes('44,447')).toEqual(['44', '447'])
    expect(readCodes('242, 243')).toEqual(['242', '243'])
  })

  it.each([
    ['4.47E+11', 'its last digits are lost'],
    ['4,47E+11', 'its last digits are lost'],
    ['#N/A', 'an error of a spreadsheet'],
    ['#######', 'an error of a spreadsheet'],
    ['020', 'begins with 0'],
    ['0-9', 'begins with 0'],
    ['UK', 'must be digits'],
    ['44x', 'must be digits'],
    ['', 'has no code'],
    ['4429-4420', 'ends before it begins'],
    ['4420-44209', 'must have the same length'],
    ['44000000-44999999', 'is more than 10000 codes'],
    ['4420775030475555', 'longer than 15 digits'],
    ['61 38,6139', 'say the country code once'],
    ['442 077', 'may be several codes'],
    ['61-8', '"61-8" may be 61 to 68 or 618: say --dash range or area'],
    ['44-47', 'may be 44 to 47 or 4447'],
    ['44-7,4475;4476', 'may be 44 to 47 or 447'],
    ['1-2', 'may be 1 to 2 or 12'],
    ['447,700', 'may be one number in groups of three'],
    ['1,242', 'may be one number in groups of three'],
    ['44 (excluding 447)', 'must be digits'],
  ])('%j is refused: %s', (cell, why) => {
    expect(readCodes(cell)).toEqual(problem(why))
  })
})

describe('prices', () => {
  const read = (cell: string, rules: ConstructorParameters<typeof AmountReader>[0] = { currency: 'USD' }): unknown =>
    new AmountReader(rules).read(cell)

  it.each([
    ['0.0125', '0.0125'],
    ['0,0125', '0.0125'],
    ['$0.0125', '0.0125'],
    ['.0125', '0.0125'],
    [',0125', '0.0125'],
    ['0.0125 USD', '0.0125'],
    ['USD 0.0125', '0.0125'],
    ['\u00a00.0125\u00a0', '0.0125'],
    ['1.25E-02', '0.0125'],
    ['1,25E-02', '0.0125'],
    ['5', '5'],
    ['1,234.5', '1234.5'],
    ['1.234,5', '1234.5'],
    ['0,125', '0.125'],
    ['12,3456', '12.3456'],
  ])('%j is %s', (cell, price) => {
    expect(read(cell)).toBe(price)
  })

  it.each([
    ['1,234', 'may be 1.234 or 1234'],
    ['-0.01', 'is no price'],
    ['cheap', 'is no price'],
    ['0.01.02', 'is no price'],
    ['€0.01', 'is in EUR, the tariff in USD'],
    ['0.01 GBP', 'is in GBP, the tariff in USD'],
    ['0.01 abc', '"abc" is no currency'],
    ['#VALUE!', 'is no price'],
    ['1.25E+3', 'is no price'],
  ])('%j is refused: %s', (cell, why) => {
    expect(read(cell)).toEqual(problem(why))
  })

  it('of one file have one decimal mark', () => {
    const comma = new AmountReader({ currency: 'EUR' })
    expect([comma.read('0,0125'), comma.read('1,234')]).toEqual(['0.0125', '1.234'])
    expect(comma.read('0.5')).toEqual(problem('has a decimal point, unlike "0,0125" before it'))
    const point = new AmountReader({ currency: 'EUR' })
    expect([point.read('0.0125'), point.read('1,234')]).toEqual(['0.0125', problem('may be 1.234 or 1234')])
    expect(read('1,234', { currency: 'USD', mark: 'point' })).toBe('1234')
    expect(read('1,234', { currency: 'USD', mark: 'comma' })).toBe('1.234')
    expect(read('0.5', { currency: 'USD', mark: 'comma' })).toEqual(problem('unlike --decimal comma'))
  })

  it('of a second or in cents become prices of a minute', () => {
    const amounts = new AmountReader({ currency: 'USD' })
    expect(amounts.read('0.0002', { per: 'second', minor: false })).toBe('0.012')
    expect(amounts.read('1.25', { per: 'minute', minor: true })).toBe('0.0125')
  })
})

describe('titles', () => {
  it.each([
    ['Dial Code', { field: 'prefix' }],
    ['CC+AC', { field: 'prefix' }],
    ['DESTINATION', { field: 'destination' }],
    ['Eff. Date', { field: 'effective_from' }],
    ['Rate (USD/min)', { field: 'per_minute', price: { currency: 'USD', per: 'minute', minor: false } }],
    ['Price per second, EUR', { field: 'per_minute', price: { currency: 'EUR', per: 'second', minor: false } }],
    ['Rate US¢/min', { field: 'per_minute', price: { currency: 'USD', per: 'minute', minor: true } }],
    ['Rate (US cents)', { field: 'per_minute', price: { currency: 'USD', per: 'minute', minor: true } }],
    ['Rate (US$)', { field: 'per_minute', price: { currency: 'USD', per: 'minute', minor: false } }],
    ['Rate (cents)', { field: 'per_minute', price: { per: 'minute', minor: true } }],
    ['Pence per minute', { field: 'per_minute', price: { per: 'minute', minor: true } }],
    ['£/min', { field: 'per_minute', price: { currency: 'GBP', per: 'minute', minor: false } }],
    ['USD', { field: 'per_minute', price: { currency: 'USD', per: 'minute', minor: false } }],
    ['New Rate', { field: 'per_minute', price: { per: 'minute', minor: false } }],
    ['Rate per call', { field: 'connect_fee', price: { per: 'minute', minor: false } }],
    ['Setup fee (cents)', { field: 'connect_fee', price: { per: 'minute', minor: true } }],
    ['Interval 1', { field: 'first_increment' }],
    ['Interval N', { field: 'next_increment' }],
    ['Old rate', {}],
    ['Remarks', {}],
    ['', {}],
  ])('%j is %j', (title, read) => {
    expect(readTitle(title)).toEqual(read)
  })
})

describe('dates', () => {
  it.each([
    ['2026-12-01', '2026-12-01'],
    ['2026/12/1', '2026-12-01'],
    ['20261201', '2026-12-01'],
    ['1.12.2026', '2026-12-01'],
    ['31/12/2026', '2026-12-31'],
    ['12/31/2026', '2026-12-31'],
    ['05/05/2026', '2026-05-05'],
    ['1-Dec-2026', '2026-12-01'],
    ['01-Dec-26', '2026-12-01'],
    ['1st December 2026', '2026-12-01'],
    ['Dec 1, 2026', '2026-12-01'],
    ['2026-12-01 00:00:00', '2026-12-01'],
    ['2026-12-01T08:00:00Z', '2026-12-01T08:00:00Z'],
    ['31/12/2026 8:30 PM', '2026-12-31T20:30:00.000Z'],
    ['31/12/2026 12:00 AM', '2026-12-31'],
  ])('%j is %s', (cell, date) => {
    expect(readDate(cell, { zone: 'UTC' })).toBe(date)
  })

  it.each([
    ['01/12/2026', 'more than one reading: say --dates'],
    ['1.12.26', 'more than one reading'],
    ['31/12/26', 'more than one reading'],
    ['30/02/2026', 'no day of the calendar'],
    ['13/13/2026', 'no day of the calendar'],
    ['soon', 'is no date'],
    ['1-Foo-2026', '"Foo" is no month'],
    ['46357', 'is no date'],
    ['2026-12-01 25:00', 'no time of day'],
  ])('%j is refused: %s', (cell, why) => {
    expect(readDate(cell, { zone: 'UTC' })).toEqual(problem(why))
  })

  it('are read in the order that is told', () => {
    const as = (order: 'dmy' | 'mdy' | 'ymd', cell: string): unknown => readDate(cell, { order, zone: 'UTC' })
    expect(as('dmy', '01/12/2026')).toBe('2026-12-01')
    expect(as('mdy', '01/12/2026')).toBe('2026-01-12')
    expect(as('ymd', '26-12-01')).toBe('2026-12-01')
    expect(as('dmy', '31.12.26')).toBe('2026-12-31')
    expect(as('mdy', '31/12/2026')).toEqual(problem('no day of the calendar as mdy'))
  })

  it('with a time are instants in the zone', () => {
    expect(readDate('31/12/2026 08:00', { zone: 'America/New_York' })).toBe('2026-12-31T13:00:00.000Z')
  })
})

describe('dates of one file', () => {
  it('have one order', () => {
    const dates = new DateReader({ zone: 'UTC' })
    expect(dates.read('13/12/2026')).toBe('2026-12-13')
    expect(dates.read('4.12.2026')).toBe('2026-12-04')
    expect(dates.read('12/12/2026')).toBe('2026-12-12')
    expect(dates.read('12/13/2026')).toEqual(problem('is mdy, unlike "13/12/2026" before it'))
    expect(dates.read('12/25/2026 10:00')).toEqual(problem('is mdy, unlike'))
    expect(dates.read('31/12/2026')).toBe('2026-12-31')
  })

  it.each(['2206-12-01', '1026-12-01', '0026-12-01', '1-Dec-1900'])('are not in a year such as of %s', (cell) => {
    expect(readDate(cell, { zone: 'UTC' })).toEqual(problem('is in no year of 1990 to 2099'))
  })

  it('may say that there is no end', () => {
    expect(readDate('9999-12-31', { zone: 'UTC' })).toBe('9999-12-31')
  })
})

describe('increments', () => {
  it.each([
    ['60/60', 60, 60],
    ['1+1', 1, 1],
    ['30-6', 30, 6],
    ['60:1', 60, 1],
    ["'1/1", 1, 1],
    ['6', 6, 6],
    ['60.0', 60, 60],
    ['per second', 1, 1],
    ['Minute', 60, 60],
    ['30s/6s', 30, 6],
  ])('%j are %d and %d', (cell, first, next) => {
    expect(readIncrements(cell)).toEqual({ first, next })
  })

  it.each([
    ['6-Jun', 'turned into a date by a spreadsheet'],
    ['01.Jan', 'turned into a date by a spreadsheet'],
    ['2026-06-06', 'turned into a date by a spreadsheet'],
    ['1/1/1', 'no increments'],
    ['often', 'no increments'],
    ['1/0', 'has an increment that is not 1 to 86400 seconds'],
    ['99999/1', 'is not 1 to 86400 seconds'],
  ])('%j is refused: %s', (cell, why) => {
    expect(readIncrements(cell)).toEqual(problem(why))
  })
})
