import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRig, type Rig } from './fake-daemon.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})
afterEach(() => rig.server.close())

const url = '/v1/accounts/acme/statement'
const period = { fromMs: Date.UTC(2026, 10, 1, 4), untilMs: Date.UTC(2026, 10, 3, 5) }

describe('a statement', () => {
  it('says what is due and when, charges by class, use, and what they are made of', async () => {
    const response = await rig.ask({ method: 'GET', url: `${url}?from=2026-11-01&to=2026-11-02` })
    expect(response.json()).toMatchObject({
      account: 'acme',
      from: '2026-11-01',
      to: '2026-11-02',
      timezone: 'America/New_York',
      currency: 'USD',
      opening: '0.000000',
      closing: '-9.040000',
      totalDue: '9.040000',
      dueDate: '2026-12-01',
      monthly: '30.000000',
      calls: '0.040000',
      payments: '20.000000',
      credits: '1.000000',
      total: '29.040000',
      charges: [
        { class: 'trunking', count: 1, amount: '25.000000' },
        { class: 'sip_devices', count: 2, amount: '5.000000' },
      ],
      usage: { calls: 2, billedSeconds: 120, charge: '0.040000' },
      items: [{ id: '3-7', what: 'fee', class: 'trunking', why: '2 trunks', amount: '-25.000000' }],
      hasMoreItems: true,
    })
    expect(rig.inputs('statement')).toEqual([{ account: 'acme', ...period }])
  })

  it('is of this month so far, and of no other account for the key of one', async () => {
    rig.scene.keys['tg_acme_0123456789abcdef'] = { id: 'acme', scopes: ['usage:read'], account: 'acme' }
    const key = 'tg_acme_0123456789abcdef'
    expect((await rig.ask({ method: 'GET', url, key })).statusCode).toBe(200)
    expect(rig.inputs('statement')).toMatchObject([{ fromMs: period.fromMs }])
    for (const place of ['/v1/accounts/other/statement', '/v1/accounts/other/statements']) {
      expect((await rig.ask({ method: 'GET', url: place, key })).statusCode).toBe(404)
    }
  })

  it('is in one line for each account of the tree', async () => {
    const query = 'from=2026-11-01&to=2026-11-02&limit=1&cursor=3'
    const response = await rig.ask({ method: 'GET', url: `${url}s?${query}` })
    expect(response.json()).toMatchObject({ items: [{ account: 'acme', total: '29.040000' }], nextCursor: '1' })
    expect(rig.inputs('totals')).toEqual([{ account: 'acme', ...period, limit: 1, cursor: '3' }])
  })
})

describe('a fee', () => {
  const debits = '/v1/accounts/acme/debits'
  const headers = { 'idempotency-key': 'k1' }

  it('has a class, which is its line on the statement', async () => {
    const body = { amount: '25.00', kind: 'fee', class: 'trunking' }
    expect((await rig.ask({ method: 'POST', url: debits, headers, body })).statusCode).toBe(200)
    expect(rig.inputs('debit')).toMatchObject([{ kind: 'fee', class: 'trunking' }])
  })

  it.each([{ kind: 'fee', class: 'phones' }, { class: 'trunking' }])('of %j is refused', async (words) => {
    const response = await rig.ask({ method: 'POST', url: debits, headers, body: { amount: '25.00', ...words } })
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchObject({ errors: [{ pointer: '/class' }] })
  })
})
