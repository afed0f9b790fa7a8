import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRig, type Rig } from './fake-daemon.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})
afterEach(() => rig.server.close())

const place = '/v1/accounts/acme/storage'
const put = (day: string, body: unknown, key?: string) =>
  rig.ask({ method: 'PUT', url: `${place}/${day}`, body, ...(key === undefined ? {} : { key }) })

describe('storage of an account', () => {
  it('is reported for a day, and answered with the month', async () => {
    const response = await put('2026-11-14', { bytes: 5 })
    expect(response.json()).toEqual({
      ...{ month: '2026-11', state: 'open', measuredBytes: 5, units: 0, fee: '0.000000' },
      ...{ closesAt: '2026-12-02T05:00:00.000Z', days: [{ day: '2026-11-14', bytes: 5 }] },
    })
    expect(rig.inputs('storage')).toEqual([{ account: 'acme', day: '2026-11-14', bytes: 5 }])
  })

  it('is shown by month with what it costs and why', async () => {
    const response = await rig.ask({ method: 'GET', url: place })
    expect(response.json()).toMatchObject({
      terms: { price: '0.100000', thresholdBytes: 10_000_000_000, charged: 'above', measure: 'peak' },
      months: [
        { month: '2026-10', state: 'billed', fee: '0.300000', why: 'storage in 2026-10: peak', entry: '3-7' },
        { month: '2026-11', state: 'open' },
      ],
    })
  })

  it.each([
    ['2026-10-31', 409, 'storage_billed'],
    ['2026-12-01', 422, 'storage_day_invalid'],
  ])('of %s is refused as it is said', async (day, status, code) => {
    const response = await put(day, { bytes: 5 })
    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([status, code])
  })

  it.each([
    ['2026-02-30', { bytes: 5 }, '/day'],
    ['today', { bytes: 5 }, '/day'],
    ['2026-11-14T00:00:00Z', { bytes: 5 }, '/day'],
    ['2026-11-14', {}, '/bytes'],
    ['2026-11-14', { bytes: -1 }, '/bytes'],
    ['2026-11-14', { bytes: 1.5 }, '/bytes'],
    ['2026-11-14', { bytes: '5' }, '/bytes'],
    ['2026-11-14', { bytes: 5, gigabytes: 1 }, '/gigabytes'],
  ])('of day %s with %j is no report, and says so', async (day, body, pointer) => {
    const response = await put(day, body)
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchObject({ code: 'invalid_input', errors: [{ pointer }] })
    expect(rig.inputs('storage')).toEqual([])
  })
})

describe('storage in the profile', () => {
  it('has terms of its own, which are taken away again with null', async () => {
    const storageFee = { price: '0.25', thresholdBytes: 0, measure: 'average' }
    await rig.ask({ method: 'PATCH', url: '/v1/accounts/acme', body: { storageFee } })
    await rig.ask({ method: 'PATCH', url: '/v1/accounts/acme', body: { storageFee: null } })
    expect(rig.inputs('patch')).toMatchObject([
      { storageFee: { price: 250_000n, thresholdBytes: 0, measure: 'average' } },
      { storageFee: null },
    ])
    const response = await rig.ask({ method: 'PATCH', url: '/v1/accounts/acme', body: { storageFee: { unit: 1 } } })
    expect(response.json()).toMatchObject({ errors: [{ pointer: '/storageFee/unit', code: 'unknown_field' }] })
  })
})
