import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readRates } from '../../../src/edges/http/tariffs/tariff-bodies.ts'
import { openRig, type Rig } from './fake-daemon.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})
afterEach(() => rig.server.close())

const url = '/v1/tariffs/retail/versions'
const post = (body: unknown) => rig.ask({ method: 'POST', url, body })

const everything = {
  prefix: '+4420',
  destination: 'London',
  direction: 'outbound',
  perMinute: '0.0125',
  connectFee: '0.01',
  firstIncrement: 30,
  nextIncrement: 6,
  minimumSeconds: 10,
  noChargeSeconds: 3,
  steps: [{ fromSecond: 60, perMinute: '0.01', increment: 1 }],
  bands: [
    {
      days: ['mon', 'tue'],
      from: '19:00',
      to: '07:00',
      perMinute: '0.005',
      connectFee: '0',
      firstIncrement: 1,
      nextIncrement: 1,
    },
  ],
  validFrom: '2026-12-01',
  validUntil: '2026-12-31T23:00:00Z',
  blocked: false,
}

describe('a version', () => {
  it('is added in every field', async () => {
    const head = {
      currency: 'USD',
      effectiveFrom: '2026-12-01',
      timezone: 'Europe/London',
      rounding: { decimals: 4, mode: 'up' },
    }
    const response = await post({ ...head, rates: [everything, { prefix: '*', blocked: true }] })
    expect(response.statusCode).toBe(201)
    expect(response.json()).toEqual({ name: 'retail', version: 2, rates: 2, sha256: 'ab'.repeat(32) })
    expect(rig.inputs('addVersion')).toEqual([
      {
        name: 'retail',
        ...head,
        rates: [
          { ...everything, prefix: '4420' },
          { prefix: '*', blocked: true, perMinute: '' },
        ],
      },
    ])
  })

  it.each([
    ['no price', { prefix: '44' }, '/rates/1/perMinute', 'required'],
    ['a price that is a number', { prefix: '44', perMinute: 0.5 }, '/rates/1/perMinute', 'type'],
    ['a price below zero', { prefix: '44', perMinute: '-1' }, '/rates/1/perMinute', 'format'],
    ['no prefix', { perMinute: '1' }, '/rates/1/prefix', 'required'],
    ['a prefix of letters', { prefix: '44a', perMinute: '1' }, '/rates/1/prefix', 'format'],
    ['a field of another', { prefix: '44', perMinute: '1', price: '1' }, '/rates/1/price', 'unknown_field'],
    [
      'an increment of nothing',
      { prefix: '44', perMinute: '1', firstIncrement: 0 },
      '/rates/1/firstIncrement',
      'range',
    ],
    ['a direction that is none', { prefix: '44', perMinute: '1', direction: 'up' }, '/rates/1/direction', 'value'],
    [
      'a band without a price',
      { prefix: '44', perMinute: '1', bands: [{ days: ['mon'], from: '19:00', to: '07:00' }] },
      '/rates/1/bands/0/perMinute',
      'required',
    ],
    [
      'a band at no time',
      { prefix: '44', perMinute: '1', bands: [{ days: ['mon'], from: '7pm', to: '07:00', perMinute: '1' }] },
      '/rates/1/bands/0/from',
      'format',
    ],
    [
      'a step without an increment',
      { prefix: '44', perMinute: '1', steps: [{ fromSecond: 1, perMinute: '1' }] },
      '/rates/1/steps/0/increment',
      'required',
    ],
    ['text', 'x', '/rates/1', 'type'],
  ])('with a row of %s is 422 and says which row and field', async (_, row, pointer, code) => {
    const response = await post({ currency: 'USD', rates: [everything, row] })
    expect(response.statusCode).toBe(422)
    expect(response.json()).toMatchObject({ code: 'tariff_invalid', errors: [{ pointer, code }] })
    expect(response.json().detail).toMatch(/^row 2/)
    expect(rig.inputs('addVersion')).toEqual([])
  })

  it('with a thousand bad rows tells a hundred problems', async () => {
    const rates = Array.from({ length: 1000 }, (_, n) => ({ prefix: String(n) }))
    const response = await post({ currency: 'USD', rates })
    expect(response.json().errors).toHaveLength(100)
  })

  it('that the book refuses is 422 with the book’s rows and fields', async () => {
    const problems = [
      { index: 0, field: 'bands[1].from', message: 'overlaps band 0 of the same rate' },
      { field: 'rounding.decimals', message: 'is not a whole number of 0 to 6' },
    ]
    rig.scene.added = { kind: 'invalid', problems }
    const response = await post({ currency: 'USD', rates: [everything] })
    expect(response.statusCode).toBe(422)
    expect(response.json()).toMatchObject({
      detail: 'row 1, bands/1/from, overlaps band 0 of the same rate, and 1 more',
      errors: [
        { pointer: '/rates/0/bands/1/from', message: 'overlaps band 0 of the same rate' },
        { pointer: '/rounding/decimals', message: 'is not a whole number of 0 to 6' },
      ],
    })
  })

  it('may be much larger than other bodies', async () => {
    const rates = Array.from({ length: 60_000 }, (_, n) => ({ prefix: String(100_000 + n), perMinute: '0.0125' }))
    expect((await post({ currency: 'USD', rates })).json()).toMatchObject({ rates: 60_000 })
  })

  it('lets other requests have their turn while its rows are checked', async () => {
    const rows = Array.from({ length: 20_000 }, (_, n) => ({ prefix: String(n), perMinute: '0.0125' }))
    let turns = 0
    const count = setInterval(() => (turns += 1), 0)
    await readRates(rows)
    clearInterval(count)
    expect(turns).toBeGreaterThan(2)
  })

  it('is put in force now or at an instant', async () => {
    const now = await rig.ask({ method: 'POST', url: `${url}/2/activate` })
    expect(now.json()).toEqual({ name: 'retail', version: 2, from: '2026-11-23T10:00:00.000Z' })
    const later = await rig.ask({ method: 'POST', url: `${url}/2/activate`, body: { at: '2026-12-01T00:00:00+01:00' } })
    expect(later.json()).toEqual({ name: 'retail', version: 2, from: '2026-11-30T23:00:00.000Z' })
    expect(rig.inputs('activate')).toEqual([
      { name: 'retail', number: 2 },
      { name: 'retail', number: 2, atMs: Date.UTC(2026, 10, 30, 23) },
    ])
  })

  it('is put in force past guard rails only with the words of the command line', async () => {
    const examples = ['4479 0.015 → 1.5']
    rig.scene.guarded = {
      kind: 'refused',
      against: 1,
      guards: [
        { limit: 'jump', message: '1 prices rise or fall by 10 times or more', examples },
        { limit: 'free', message: '2 rates become free', examples: [] },
      ],
    }
    const refused = await rig.ask({ method: 'POST', url: `${url}/2/activate`, body: { limit: {} } })
    expect(refused.statusCode).toBe(409)
    expect(refused.json()).toMatchObject({
      code: 'guard_rails',
      errors: [
        {
          pointer: '/limit/jump',
          message: '1 prices rise or fall by 10 times or more (4479 0.015 → 1.5)',
          code: 'range',
        },
        { pointer: '/limit/free', message: '2 rates become free', code: 'range' },
      ],
    })
    rig.scene.guarded = undefined
    const words = { limit: { jump: 200, free: 2, dearer: 12.5 } }
    expect((await rig.ask({ method: 'POST', url: `${url}/2/activate`, body: words })).statusCode).toBe(200)
    expect(rig.inputs('activate').at(-1)).toEqual({ name: 'retail', number: 2, ...words })
    const wrong = { limit: { jump: 1, price: 3 } }
    const bad = await rig.ask({ method: 'POST', url: `${url}/2/activate`, body: wrong })
    expect(bad.json()).toMatchObject({
      code: 'invalid_input',
      errors: [
        { pointer: '/limit/jump', code: 'range' },
        { pointer: '/limit/price', code: 'unknown_field' },
      ],
    })
  })

  it('is shown with its rates, a page at a time', async () => {
    const response = await rig.ask({ url: `${url}/2?prefix=%2B44&cursor=5&limit=10` })
    expect(response.json()).toEqual({
      name: 'retail',
      version: 2,
      rates: 1,
      sha256: 'ab'.repeat(32),
      currency: 'USD',
      createdAt: '2026-11-23T10:00:00.000Z',
      activations: [{ version: 2, from: '2026-11-23T10:00:00.000Z' }],
      timezone: 'UTC',
      rounding: { decimals: 6, mode: 'half_up' },
      items: [{ prefix: '44', perMinute: '0.0125', direction: 'both' }],
      nextCursor: '1',
    })
    expect(rig.inputs('show')).toEqual([{ name: 'retail', version: 2, prefix: '44', cursor: '5', limit: 10 }])
  })
})

describe('a version as lines', () => {
  const send = (...lines: readonly unknown[]) => {
    const body = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')
    return rig.ask({ method: 'POST', url, body, headers: { 'content-type': 'application/x-ndjson' } })
  }
  const head = { currency: 'USD', timezone: 'Europe/London' }

  it('is added as the same in one body is', async () => {
    const response = await send({ name: 'other', version: 7, ...head }, everything, '', { prefix: '*', blocked: true })
    expect(response.statusCode).toBe(201)
    expect(rig.inputs('addVersion')).toEqual([
      {
        name: 'retail',
        ...head,
        rates: [
          { ...everything, prefix: '4420' },
          { prefix: '*', blocked: true, perMinute: '' },
        ],
      },
    ])
  })

  it('names the rows that are wrong', async () => {
    const response = await send(head, everything, { prefix: '44' })
    expect(response.statusCode).toBe(422)
    expect(response.json()).toMatchObject({
      code: 'tariff_invalid',
      errors: [{ pointer: '/rates/1/perMinute', code: 'required' }],
    })
    expect((await send(head)).json()).toMatchObject({ code: 'tariff_invalid', detail: '/rates has no rate' })
  })

  it('names lines that are no JSON, and a head that is none', async () => {
    expect((await send(head, everything, '{"prefix":')).json()).toMatchObject({
      code: 'malformed_body',
      detail: expect.stringContaining('line 3: the body is not JSON') as string,
    })
    expect((await send({ ...head, colour: 'red' }, everything)).json()).toMatchObject({
      status: 400,
      errors: [{ pointer: '/colour', code: 'unknown_field' }],
    })
    expect((await send('')).json()).toMatchObject({ status: 400 })
    expect((await send(head, { prefix: '4'.repeat(300_000) })).json()).toMatchObject({ code: 'body_too_large' })
    expect(rig.inputs('addVersion')).toEqual([])
  })

  it('is what is read by nothing else', async () => {
    const headers = { 'content-type': 'application/x-ndjson' }
    const response = await rig.ask({ method: 'POST', url: `${url}/2/activate`, body: '{}', headers })
    expect(response.json()).toMatchObject({ status: 415 })
  })

  it('is told as it can be sent again', async () => {
    const response = await rig.ask({ url: `${url}/2/rates` })
    expect(response.headers['content-type']).toBe('application/x-ndjson')
    const lines = response.body.split('\n')
    expect(lines.map((line) => (line === '' ? '' : (JSON.parse(line) as unknown)))).toEqual([
      { name: 'retail', version: 2, currency: 'USD', timezone: 'UTC' },
      { prefix: '44', perMinute: '0.0125', direction: 'both' },
      { prefix: '33', direction: 'both', blocked: true },
      '',
    ])
    await send(...lines)
    expect(rig.inputs('addVersion')).toMatchObject([{ currency: 'USD', rates: [{ prefix: '44' }, { prefix: '33' }] }])
  })
})

describe('tariffs', () => {
  it('are listed', async () => {
    const response = await rig.ask({ url: '/v1/tariffs' })
    expect(response.json()).toEqual({ items: [{ name: 'retail', currency: 'USD', versions: 2, active: 2 }] })
  })

  it('list their versions', async () => {
    expect((await rig.ask({ url })).json()).toMatchObject({ items: [{ version: 2, rates: 1 }] })
  })

  it.each([
    ['GET', '/v1/tariffs/none/versions'],
    ['GET', '/v1/tariffs/none/versions/1'],
    ['GET', '/v1/tariffs/none/versions/1/rates'],
    ['POST', '/v1/tariffs/none/versions/1/activate'],
  ] as const)('that are not there are 404: %s %s', async (method, path) => {
    expect((await rig.ask({ method, url: path })).json()).toMatchObject({ status: 404, code: 'tariff_unknown' })
  })
})
