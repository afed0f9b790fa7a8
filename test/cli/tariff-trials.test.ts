import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lines, Stub } from './stub.ts'

let stub: Stub

beforeEach(async () => {
  stub = new Stub()
  await stub.open()
})

afterEach(() => stub.close())

const tariffs = (...names: readonly string[]): void =>
  stub.on('GET /v1/tariffs', {
    body: { items: names.map((name) => ({ name, currency: 'USD', versions: 1, active: 1 })) },
  })

const book = (name: string, version: number, ...rates: readonly object[]): void =>
  stub.on(`GET /v1/tariffs/${name}/versions/${version}/rates`, lines({ name, version, currency: 'USD' }, ...rates))

const perSecond = { firstIncrement: 1, nextIncrement: 1 }

let calls = 0

function cdr(to: string, seconds: number, charge: string, more: object = {}): object {
  calls += 1
  return {
    call: `call-${calls}`,
    revision: 0,
    level: 0,
    account: 'acme',
    payer: 'acme',
    node: 'n',
    callId: `c${calls}`,
    legId: '',
    direction: 'outbound',
    media: 'voice',
    from: '+1',
    to,
    startedAt: '2026-11-23T12:00:00.000Z',
    answeredAt: '2026-11-23T12:00:05.000Z',
    endedAt: '2026-11-23T12:10:00.000Z',
    seconds,
    billedSeconds: seconds,
    charge,
    currency: 'USD',
    fundedBy: 'credit',
    parts: [{ source: 'credit', seconds, amount: charge }],
    overrunSeconds: 0,
    cause: 'normal',
    flags: [],
    rate: { tariff: 'retail', version: 1, prefix: '44', destination: 'UK', perMinute: '0.60', increments: '1/1' },
    ...more,
  }
}

describe('tariff simulate', () => {
  beforeEach(() => {
    calls = 0
    tariffs('retail')
    book('retail', 1, { prefix: '44', destination: 'UK', perMinute: '0.60', ...perSecond })
    book(
      'retail',
      2,
      { prefix: '442', destination: 'London', perMinute: '0.90', ...perSecond },
      { prefix: '4470', blocked: true },
    )
    stub.on('GET /v1/accounts', { body: { items: [{ id: 'acme' }] } })
    stub.on('GET /v1/accounts/acme/cdrs', {
      body: {
        items: [
          cdr('+442079460000', 60, '0.600000'),
          cdr('+442079460001', 10, '0.100000'),
          cdr('+447000000000', 10, '0.100000'),
          cdr('+441234567890', 10, '0.100000'),
          // Minutes made it free, which no version says.
          cdr('+442079460002', 10, '0.000000', { parts: [], fundedBy: 'free', billedSeconds: 0 }),
          cdr('+442079460003', 50, '0.000000', { parts: [{ source: 'pool', id: 'p', seconds: 60 }], fundedBy: 'pool' }),
          cdr('+442079460004', 60, '9.000000', {
            rate: { ...(cdr('', 0, '0') as { rate: object }).rate, tariff: 'other' },
          }),
        ],
      },
    })
  })

  it('prices calls again, and says what cannot be told', async () => {
    const { code, out } = await stub.run(
      'tariff',
      'simulate',
      'retail',
      '2',
      '--from',
      '2026-11-23',
      '--to',
      '2026-11-23',
    )
    expect(code).toBe(0)
    expect(out).toMatchInlineSnapshot(`
      "retail version 2 for the calls of 2026-11-23 to 2026-11-23; nothing was changed
      calls            6
      charged          0.90 USD
      would be         1.05 USD
      change           0.15 USD (+16.6 %)
      without a price  1
      blocked          1
      left as charged  1

      By destination
        DESTINATION  CALLS      TALKED  CHARGED  WOULD BE  CHANGE
        UK               6  2 min 30 s     0.90      1.05    0.15

      Biggest changes of calls
        CALL    ACCOUNT  TO             CHARGED  WOULD BE  CHANGE
        call-1  acme     +442079460000     0.60      0.90    0.30
        call-3  acme     +447000000000     0.10      0.00   -0.10
        call-4  acme     +441234567890     0.10      0.00   -0.10
        call-2  acme     +442079460001     0.10      0.15    0.05
      "
    `)
    expect(stub.asked.every(({ method }) => method === 'GET')).toBe(true)
    expect(stub.asked.at(-1)?.path).toBe('/v1/tariffs/retail/versions/1/rates')
  })

  it('is JSON on demand, and of some accounts', async () => {
    const { out } = await stub.run('tariff', 'simulate', 'retail', '2', '--account', 'acme', '--json')
    expect(JSON.parse(out)).toMatchObject({
      name: 'retail',
      version: 2,
      currency: 'USD',
      calls: 6,
      before: '0.900000',
      after: '1.050000',
      change: '0.150000',
      unpriced: 1,
      blocked: 1,
      leftAsCharged: 1,
      destinations: [{ destination: 'UK', calls: 6, change: '0.150000' }],
    })
    expect(stub.asked.some(({ path }) => path.startsWith('/v1/accounts?'))).toBe(false)
  })

  it('prices calls as of another week, where rates begin later', async () => {
    const later = { prefix: '44', destination: 'UK', perMinute: '1.20', validFrom: '2026-12-01', ...perSecond }
    book('retail', 2, later)
    const words = ['tariff', 'simulate', 'retail', '2', '--from', '2026-11-23', '--json']
    expect(JSON.parse((await stub.run(...words)).out)).toMatchObject({ unpriced: 4, after: '0.000000' })
    const then = await stub.run(...words, '--at', '2026-12-01T00:00:00Z')
    expect(JSON.parse(then.out)).toMatchObject({ unpriced: 0, after: '1.800000' })
  })

  it('is told beside a difference', async () => {
    const versions = [1, 2].map((version) => {
      const activations = version === 1 ? [{ version, from: '2026-11-23T12:00:00.000Z' }] : []
      return { version, rates: 1, sha256: 'ab', currency: 'USD', createdAt: '2026-11-23T12:00:00.000Z', activations }
    })
    stub.on('GET /v1/tariffs/retail/versions', { body: { items: versions } })
    const { out } = await stub.run('tariff', 'diff', 'retail', '--traffic', '--json')
    expect(JSON.parse(out)).toMatchObject({
      from: 1,
      to: 2,
      counts: { new: 2, closed: 1 },
      traffic: { change: '0.150000' },
    })
    expect((await stub.run('tariff', 'diff', 'retail', '--traffic')).out).toContain('would be         1.05 USD')
  })
})

describe('tariff margin', () => {
  beforeEach(() => tariffs('retail', 'cost'))

  it('lists prices below their cost, also where only the cost has the prefix, or increments make it so', async () => {
    book(
      'retail',
      1,
      { prefix: '44', destination: 'UK', perMinute: '0.60' },
      { prefix: '33', perMinute: '0.60', ...perSecond },
      { prefix: '7', perMinute: '1' },
    )
    book(
      'cost',
      1,
      { prefix: '44', perMinute: '0.50' },
      { prefix: '4479', destination: 'UK mobile', perMinute: '0.70' },
      { prefix: '33', perMinute: '0.50' },
    )
    const { code, out } = await stub.run('tariff', 'margin', 'retail', 'cost')
    expect(code).toBe(1)
    expect(out).toMatchInlineSnapshot(`
      "4 of 8 prices are below their cost

      PREFIX  DESTINATION  DIRECTION  CALL OF  PRICE  COST
      33                   outbound       1 s   0.01  0.50
      33                   inbound        1 s   0.01  0.50
      4479    UK           outbound     300 s   3.00  3.50
      4479    UK           inbound      300 s   3.00  3.50
      1 are sold and have no cost: 7
      "
    `)
  })

  it('is kept where every price is above its cost, by as much as asked', async () => {
    book('retail', 1, { prefix: '44', perMinute: '0.60' })
    book('cost', 1, { prefix: '44', perMinute: '0.50' })
    expect((await stub.run('tariff', 'margin', 'retail', 'cost')).code).toBe(0)
    expect((await stub.run('tariff', 'margin', 'retail', 'cost', '--least', '20')).code).toBe(0)
    const more = await stub.run('tariff', 'margin', 'retail', 'cost', '--least', '21', '--json')
    expect(more.code).toBe(1)
    expect(JSON.parse(more.out)).toMatchObject({
      ok: false,
      below: [
        { prefix: '44', direction: 'outbound', price: '3.000000', cost: '2.500000' },
        { prefix: '44', direction: 'inbound' },
      ],
    })
  })
})

describe('tariff derive', () => {
  it('puts a markup on costs, by the longest prefix, and rounds up', async () => {
    tariffs('cost')
    const band = { days: ['sat'], from: '00:00', to: '24:00', perMinute: '0.0100', connectFee: '0.01' }
    const steps = [{ fromSecond: 60, perMinute: '0.02', increment: 1 }]
    const rates = [
      { prefix: '44', perMinute: '0.0111', connectFee: '0.05', bands: [band] },
      { prefix: '4479', perMinute: '0.1', steps },
      { prefix: '900', blocked: true },
    ]
    book('cost', 1, ...rates)
    stub.on('POST /v1/tariffs/retail/versions', {
      status: 201,
      body: { name: 'retail', version: 1, rates: 3, sha256: 'abc' },
    })
    const words = [
      'tariff',
      'derive',
      'retail',
      '--from',
      'cost',
      '--markup',
      '20%',
      '--markup',
      '447=50',
      '--round',
      '3',
    ]
    expect((await stub.run(...words)).code).toBe(0)
    expect(stub.asked.find(({ method }) => method === 'POST')?.body).toEqual([
      { currency: 'USD' },
      {
        prefix: '44',
        perMinute: '0.014',
        connectFee: '0.06',
        bands: [{ ...band, perMinute: '0.012', connectFee: '0.012' }],
      },
      { prefix: '4479', perMinute: '0.15', steps: [{ ...steps[0], perMinute: '0.03' }] },
      { prefix: '900', blocked: true },
    ])
    expect(await stub.run('tariff', 'derive', 'retail', '--from', 'cost', '--markup', 'much')).toMatchObject({
      code: 2,
    })
  })
})
