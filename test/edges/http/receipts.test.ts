import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ReceiptRefusalCode } from '../../../src/notices/receipt-desk.ts'
import { profile } from './examples.ts'
import { openRig, type Rig } from './fake-daemon.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig({ accounts: [profile('acme')] })
})
afterEach(() => rig.server.close())

const url = '/v1/accounts/acme/receipts'

describe('receipts', () => {
  const receipt = {
    receipt: 'acme-7',
    payment: '3-p1',
    kind: 'bundle',
    amount: '25.000000',
    currency: 'USD',
    card: 'visa 4242',
    buyer: 'buyer@example.com',
    paidAt: '2026-11-23T10:00:00.000Z',
  }

  it('are listed a page at a time', async () => {
    const response = await rig.ask({ method: 'GET', url: `${url}?limit=1&cursor=3` })
    expect(response.json()).toEqual({ items: [receipt], nextCursor: '1' })
    expect(rig.inputs('receipts')).toEqual([{ account: 'acme', limit: 1, cursor: '3' }])
  })

  it('are shown one by one', async () => {
    expect((await rig.ask({ method: 'GET', url: `${url}/acme-7` })).json()).toEqual(receipt)
    const response = await rig.ask({ method: 'GET', url: `${url}/acme-8` })
    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([404, 'receipt_unknown'])
  })

  it('are sent again, under the key that came with it or one of their own', async () => {
    const headers = { 'idempotency-key': 'k1' }
    const body = { to: 'cfo@example.com' }
    const response = await rig.ask({ method: 'POST', url: `${url}/acme-7/resend`, headers, body })
    expect(response.json()).toEqual({ receipt: 'acme-7', to: ['cfo@example.com'] })
    await rig.ask({ method: 'POST', url: `${url}/acme-7/resend`, body: {} })
    await rig.ask({ method: 'POST', url: `${url}/acme-7/resend`, body: {} })
    const asked = rig.inputs('resend') as { operation: string }[]
    expect(asked[0]).toEqual({ account: 'acme', receipt: 'acme-7', to: 'cfo@example.com', operation: 'k1' })
    expect(new Set(asked.map(({ operation }) => operation)).size).toBe(3)
  })

  it.each([
    ['receipt_unknown', 404],
    ['recipient_unknown', 422],
    ['mail_off', 409],
    ['mail_refused', 422],
    ['mail_held_back', 429],
  ] as const)('that cannot be sent again are a problem: %s', async (code: ReceiptRefusalCode, status) => {
    rig.scene.resent = { kind: 'refused', code, detail: 'because' }
    const response = await rig.ask({ method: 'POST', url: `${url}/acme-7/resend`, body: {} })
    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([status, code])
  })

  it.each([
    ['GET', url],
    ['GET', `${url}/acme-7`],
    ['POST', `${url}/acme-7/resend`],
  ] as const)('of another account are not there for a key of one account: %s %s', async (method, at) => {
    rig.scene.keys = { tg_other_0123456789abcdef: { id: 'other', scopes: ['*'], account: 'other' } }
    const body = method === 'POST' ? { body: {} } : {}
    const response = await rig.ask({ method, url: at, key: 'tg_other_0123456789abcdef', ...body })
    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([404, 'account_unknown'])
  })
})
