import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Stub } from './stub.ts'

let stub: Stub
beforeEach(async () => {
  stub = new Stub()
  await stub.open()
})
afterEach(() => stub.close())

const totals = {
  monthly: '30.000000',
  calls: '0.040000',
  payments: '20.000000',
  credits: '1.000000',
  total: '29.040000',
}
const figures = { calls: 2, seconds: 90, billedSeconds: 120, poolSeconds: 0, charge: '0.040000' }
const statement = {
  ...{ account: 'acme', from: '2026-11-01', to: '2026-11-30', timezone: 'UTC', currency: 'USD', ...totals },
  ...{ opening: '0.000000', closing: '-9.040000', totalDue: '9.040000', dueDate: '2026-12-01' },
  charges: [{ class: 'trunking', count: 1, amount: '30.000000' }],
  usage: figures,
  items: [{ at: '2026-11-01T00:00:00.000Z', what: 'fee', class: 'trunking', why: '2 trunks', amount: '-30.000000' }],
  hasMoreItems: true,
}

describe('statement', () => {
  it('show says what is due, of what, and which entries there were', async () => {
    stub.on('GET /v1/accounts/acme/statement?from=2026-11-01&to=2026-11-30', { body: statement })
    const { out } = await stub.run('statement', 'show', 'acme', '--from', '2026-11-01', '--to', '2026-11-30')
    expect(out).toMatchInlineSnapshot(`
      "acme, 2026-11-01 to 2026-11-30 (UTC)
      total due  9.04 USD
      due on     2026-12-01
      opening    0.00 USD
      trunking   30.00 USD
      calls      0.04 USD (2 calls, 2 min billed)
      credits    1.00 USD
      payments   20.00 USD
      closing    -9.04 USD

      AT                        WHAT  CLASS     WHY           AMOUNT
      2026-11-01T00:00:00.000Z  fee   trunking  2 trunks  -30.00 USD
      … and more, among the transactions
      "
    `)
    stub.on('GET /v1/accounts/acme/statement', { body: { ...statement, items: [], hasMoreItems: false } })
    expect(JSON.parse((await stub.run('statement', 'show', 'acme', '--json')).out)).toMatchObject({
      totalDue: '9.040000',
    })
  })

  it('list has a line for each account', async () => {
    stub.on('GET /v1/accounts/acme/statements', { body: { items: [{ account: 'acme', ...totals }] } })
    const { out } = await stub.run('statement', 'list', 'acme')
    expect(out).toMatchInlineSnapshot(`
      "ACCOUNT  MONTHLY  CALLS  CREDITS  TOTAL  PAYMENTS
      acme       30.00   0.04     1.00  29.04     20.00
      "
    `)
  })
})

describe('fee add', () => {
  it('charges once under its key, by class', async () => {
    const body = { entry: '3-7', amount: '25.000000', balance: '5.000000', currency: 'USD' }
    stub.on('POST /v1/accounts/acme/debits', { body })
    const { out } = await stub.run('fee', 'add', 'acme', '25.00', '--class', 'trunking', '--key', 'k1')
    expect(out).toMatchInlineSnapshot(`
      "charged  25.00 USD
      credit   5.00 USD
      entry    3-7
      key      k1
      "
    `)
    expect(stub.asked).toMatchObject([
      { idempotencyKey: 'k1', body: { amount: '25.00', kind: 'fee', class: 'trunking' } },
    ])
    expect(await stub.run('fee', 'add', 'acme', '25.00', '--class', 'phones')).toMatchObject({ code: 2 })
  })
})
