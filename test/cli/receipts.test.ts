import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { problem, Stub } from './stub.ts'

let stub: Stub

beforeEach(async () => {
  stub = new Stub()
  await stub.open()
})

afterEach(() => stub.close())

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

describe('receipt', () => {
  it('list shows them all, page after page', async () => {
    const { buyer: _nobody, ...automatic } = { ...receipt, receipt: 'acme-8', kind: 'recharge' }
    stub.on(
      'GET /v1/accounts/acme/receipts',
      { body: { items: [receipt], nextCursor: '1' } },
      { body: { items: [automatic] } },
    )
    const { code, out } = await stub.run('receipt', 'list', 'acme')
    expect(code).toBe(0)
    expect(out).toMatch(/acme-7 +\S+ \S+ +bundle +25\.00 USD +visa 4242 +buyer@example\.com/)
    expect(out).toMatch(/acme-8 +\S+ \S+ +recharge/)
  })

  it('show is for people and for programs', async () => {
    stub.on('GET /v1/accounts/acme/receipts/acme-7', { body: receipt })
    expect((await stub.run('receipt', 'show', 'acme', 'acme-7')).out).toMatch(/amount +25\.00 USD\n/)
    expect(JSON.parse((await stub.run('--json', 'receipt', 'show', 'acme', 'acme-7')).out)).toEqual(receipt)
  })

  it('resend says to whom, under a key that may be named', async () => {
    const path = 'POST /v1/accounts/acme/receipts/acme-7/resend'
    stub.on(path, { body: { receipt: 'acme-7', to: ['cfo@example.com'] } })
    const words = ['receipt', 'resend', 'acme', 'acme-7', '--to', 'cfo@example.com']
    expect(await stub.run(...words)).toEqual({ code: 0, out: 'Sent acme-7 to cfo@example.com.\n', err: '' })
    await stub.run(...words, '--key', 'k1')
    expect(stub.asked).toMatchObject([
      { body: { to: 'cfo@example.com' }, idempotencyKey: 'id-1' },
      { body: { to: 'cfo@example.com' }, idempotencyKey: 'k1' },
    ])
  })

  it('resend without an address leaves it to the daemon, and cannot leave the account', async () => {
    await stub.run('receipt', 'resend', 'acme', '../../other')
    expect(stub.asked).toMatchObject([{ path: '/v1/accounts/acme/receipts/..%2F..%2Fother/resend', body: {} }])
  })

  it.each([
    [429, 'mail_held_back', 3],
    [404, 'receipt_unknown', 1],
    [409, 'mail_off', 1],
  ])('resend that is answered with %s %s ends with %s', async (status, code, exit) => {
    stub.on('POST /v1/accounts/acme/receipts/acme-7/resend', problem(status, code, 'because'))
    const ran = await stub.run('receipt', 'resend', 'acme', 'acme-7')
    expect(ran).toEqual({ code: exit, out: '', err: `tollgate: ${code}: because\n` })
  })
})
