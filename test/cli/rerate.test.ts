import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { problem, Stub } from './stub.ts'

let stub: Stub
beforeEach(async () => {
  stub = new Stub()
  await stub.open()
})
afterEach(() => stub.close())

const place = 'POST /v1/accounts/acme/usage/rerate?limit=200'
const words = [
  'usage',
  'rerate',
  '--account',
  'acme',
  '--from',
  '2026-11-01',
  '--to',
  '2026-11-30',
  '--tariff',
  'retail',
]
const item = { call: 'A', from: '+1', to: '+44', seconds: 30, before: '0.030000', after: '0.060000', posted: false }
const page = {
  account: 'acme',
  tariff: 'retail',
  version: 2,
  currency: 'USD',
  calls: 200,
  changed: 1,
  posted: 0,
  left: { no_rate: 1, blocked: 0, unexplained: 0 },
  before: '0.030000',
  after: '0.060000',
  items: [item],
}

describe('usage rerate', () => {
  it('sums up all pages, shows the calls, and posts nothing', async () => {
    stub.on(place, { body: { ...page, nextCursor: '7' } })
    stub.on(`${place}&cursor=7`, { body: { ...page, calls: 3, items: [{ ...item, call: 'B' }] } })
    const { code, out } = await stub.run(...words)
    expect(code).toBe(0)
    expect(out).toMatchInlineSnapshot(`
      "acme by retail version 2: 203 calls, 2 change
      0.06 USD becomes 0.12 USD: 0.06 USD
      2 have no price, and stay as they are
      Nothing was posted; --post does.
      CALL  TO   SECONDS    BEFORE     AFTER
      A     +44       30  0.03 USD  0.06 USD
      B     +44       30  0.03 USD  0.06 USD
      "
    `)
    expect(stub.asked.map(({ body }) => body)).toEqual([
      { from: '2026-11-01', to: '2026-11-30', tariff: 'retail', post: false },
      { from: '2026-11-01', to: '2026-11-30', tariff: 'retail', post: false },
    ])
  })

  it('draws on a terminal how far it is, and wipes it, also where it fails', async () => {
    stub.on(place, { body: { ...page, progress: 400, nextCursor: '7' } })
    stub.on(`${place}&cursor=7`, { body: { ...page, nextCursor: '9' } })
    stub.on(`${place}&cursor=9`, problem(503, 'store_unavailable', 'away'))
    expect((await stub.run(...words)).err).not.toContain('re-rating')
    stub.terminal = true
    const { err } = await stub.run(...words)
    const bar = `\r\u001b[Kre-rating [${'#'.repeat(12)}${'.'.repeat(18)}] 40 %\r\u001b[K`
    expect(err.slice(0, bar.length)).toBe(bar)
    expect(err.slice(bar.length)).not.toContain('re-rating')
  })

  it('posts when told to, by the version that is named', async () => {
    stub.on(place, { body: { ...page, posted: 1, items: [{ ...item, posted: true }] } })
    const { out } = await stub.run(...words, '--tariff-version', '2', '--post', '--json')
    expect(JSON.parse(out)).toMatchObject({ calls: 200, posted: 1, difference: '0.030000', items: [{ posted: true }] })
    expect(stub.asked[0]?.body).toMatchObject({ version: 2, post: true })
  })

  it('of calls that all stay says so', async () => {
    stub.on(place, { body: { ...page, changed: 0, before: '0.000000', after: '0.000000', items: [] } })
    const { out } = await stub.run(...words, '--post')
    expect(out).toBe(
      'acme by retail version 2: 200 calls, 0 change\n1 have no price, and stay as they are\n0 corrections posted.\n',
    )
  })

  it('without a tariff of that name fails', async () => {
    stub.on(place, problem(404, 'tariff_unknown', 'there is none'))
    expect(await stub.run(...words)).toMatchObject({ code: 1, out: '' })
  })

  it('needs to be told of when', async () => {
    expect(await stub.run('usage', 'rerate', '--account', 'acme', '--tariff', 'retail')).toMatchObject({ code: 2 })
  })
})
