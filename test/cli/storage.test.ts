import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Stub } from './stub.ts'

let stub: Stub
beforeEach(async () => {
  stub = new Stub()
  await stub.open()
})
afterEach(() => stub.close())

const open = {
  ...{ month: '2026-11', state: 'open', measuredBytes: 12_500_000_000, units: 3, fee: '0.300000' },
  ...{ why: 'storage in 2026-11: peak 12500000000 bytes on day 14', closesAt: '2026-12-02T05:00:00.000Z', days: [] },
}
const free = { month: '2026-10', state: 'free', measuredBytes: 5, units: 0, fee: '0.000000', days: [] }
const terms = {
  ...{ price: '0.100000', unitBytes: 1_000_000_000, thresholdBytes: 10_000_000_000 },
  ...{ charged: 'above', measure: 'peak' },
}
const storage = { account: 'acme', currency: 'USD', timezone: 'America/New_York', terms, months: [free, open] }

describe('storage', () => {
  it('report says what a day had, and what the month costs so far', async () => {
    stub.on('PUT /v1/accounts/acme/storage/2026-11-14', { body: open })
    const { out } = await stub.run('storage', 'report', 'acme', '12500000000', '--day', '2026-11-14')
    expect(out).toMatchInlineSnapshot(`
      "reported    12500000000 bytes on 2026-11-14
      month       2026-11: 12500000000 bytes so far
      fee so far  0.30
      billed at   2026-12-02 05:00:00Z
      "
    `)
    expect(stub.asked).toMatchObject([{ body: { bytes: 12_500_000_000 } }])
    expect(await stub.run('storage', 'report', 'acme', '5', '--day', '2026-02-30')).toMatchObject({ code: 2 })
    expect(await stub.run('storage', 'report', 'acme', '-5', '--day', '2026-11-14')).toMatchObject({ code: 2 })
  })

  it('show has the terms, and a line for each month', async () => {
    stub.on('GET /v1/accounts/acme/storage', { body: storage })
    expect((await stub.run('storage', 'show', 'acme')).out).toMatchInlineSnapshot(`
      "acme (America/New_York)
      free up to  10000000000 bytes
      price       0.10 USD a month for each 1000000000 bytes of what is above
      measure     peak

      MONTH    STATE        BYTES  UNITS       FEE  REPORTED UNTIL
      2026-10  free             5      0  0.00 USD
      2026-11  open   12500000000      3  0.30 USD  2026-12-02 05:00:00Z

      storage in 2026-11: peak 12500000000 bytes on day 14
      "
    `)
    const { terms: _, ...costless } = storage
    stub.on('GET /v1/accounts/acme/storage', { body: { ...costless, months: [] } })
    expect((await stub.run('storage', 'show', 'acme')).out).toMatchInlineSnapshot(`
      "acme (America/New_York)
      Storage costs nothing.
      Nothing was reported.
      "
    `)
  })
})
