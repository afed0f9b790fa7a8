import { describe, expect, it } from 'vitest'
import type { Money } from '../../src/accounts/office.ts'
import { streamEntries } from '../../src/store/replies.ts'
import { storeForms, type TestStore, useStore } from '../support/offices.ts'

async function told(test: TestStore): Promise<readonly string[]> {
  const { partition = 0 } = (await test.office().chainOf('acme')) ?? {}
  const entries = await test.store.command((client) => client.xrange(test.keys.outbox(partition), '-', '+'))
  return streamEntries(entries).map(
    ({ fields: { type = '', available = '', threshold, arming = '' } }) =>
      `${type} ${available}${threshold === undefined ? '' : ` below ${threshold}`} #${arming}`,
  )
}

let operations = 0

function money(amount: bigint): Money {
  return { account: 'acme', amount, operation: `op-${(operations += 1)}`, kind: 'adjustment' }
}

describe.each(storeForms)('thresholds on %s', (_name, form) => {
  const test = useStore(form)

  it('are told once when a debit crosses them, and again only after a credit raised the balance (E6)', async () => {
    const office = test.office()
    await office.put('acme', {})
    await office.credit(money(10_000_000n))
    await office.patch('acme', {
      lowBalance: { threshold: 5_000_000n },
      recharge: { enabled: true, threshold: 2_000_000n, amount: 20_000_000n },
    })
    expect(await told(test)).toEqual([])
    await office.debit(money(5_000_000n))
    expect(await told(test)).toEqual([])
    await office.debit(money(1n))
    await office.debit(money(1n))
    expect(await told(test)).toEqual(['balance.low 4999999 below 5000000 #1'])
    await office.debit(money(3_000_000n))
    expect((await told(test)).slice(1)).toEqual(['recharge.due 1999998 #1'])
    await office.credit(money(3_000_001n))
    await office.credit(money(1n))
    await office.debit(money(1n))
    expect((await told(test)).slice(2)).toEqual([
      'balance.recovered 5000000 #1',
      'balance.low 4999999 below 5000000 #2',
    ])
    await office.debit(money(4_999_999n))
    expect((await told(test)).slice(4)).toEqual(['balance.exhausted 0 #3', 'recharge.due 0 #2'])
  })

  it('are told at once when they are set above what there is', async () => {
    const office = test.office()
    await office.put('acme', {})
    await office.patch('acme', { recharge: { enabled: false, threshold: 1n, amount: 20_000_000n } })
    expect(await told(test)).toEqual([])
    await office.patch('acme', { recharge: { enabled: true, threshold: 1n, amount: 20_000_000n } })
    await office.patch('acme', { name: 'Acme' })
    expect(await told(test)).toEqual(['recharge.due 0 #1'])
  })

  it('count the credit limit as available', async () => {
    const office = test.office()
    await office.put('acme', { creditLimit: 3n, lowBalance: { threshold: 2n } })
    await office.debit(money(1n))
    expect(await told(test)).toEqual([])
    await office.debit(money(1n))
    expect(await told(test)).toEqual(['balance.low 1 below 2 #1'])
  })

  it('are told one by one on the way down, and a fall through several as the lowest', async () => {
    const office = test.office()
    await office.put('acme', { lowBalance: { threshold: 50n, also: [20n, 10n] } })
    await office.credit(money(100n))
    for (const amount of [51n, 30n, 1n]) await office.debit(money(amount))
    expect(await told(test)).toEqual(['balance.low 49 below 50 #1', 'balance.low 19 below 20 #2'])
    await office.credit(money(80n))
    await office.debit(money(90n))
    expect((await told(test)).slice(2)).toEqual(['balance.recovered 98 #2', 'balance.low 8 below 10 #3'])
    await office.debit(money(8n))
    expect((await told(test)).slice(4)).toEqual(['balance.exhausted 0 #4'])
  })

  it('stay told below what a credit did not reach', async () => {
    const office = test.office()
    await office.put('acme', { lowBalance: { threshold: 50n, also: [20n] } })
    await office.credit(money(100n))
    await office.debit(money(90n))
    await office.credit(money(20n))
    await office.debit(money(5n))
    expect(await told(test)).toEqual(['balance.low 10 below 20 #1'])
    await office.debit(money(6n))
    expect((await told(test)).slice(1)).toEqual(['balance.low 19 below 20 #2'])
  })

  it('are told once of a balance that hovers within the hysteresis', async () => {
    const office = test.office()
    await office.put('acme', { lowBalance: { threshold: 50n, hysteresis: 10n } })
    await office.credit(money(100n))
    await office.debit(money(51n))
    for (let n = 0; n < 20; n += 1) {
      await office.credit(money(10n))
      await office.debit(money(10n))
    }
    expect(await told(test)).toEqual(['balance.low 49 below 50 #1'])
    await office.credit(money(11n))
    await office.debit(money(11n))
    expect((await told(test)).slice(1)).toEqual(['balance.recovered 60 #1', 'balance.low 49 below 50 #2'])
  })

  it('may be a share of the last purchase, and are none while nothing was bought', async () => {
    const office = test.office()
    await office.put('acme', { lowBalance: { threshold: 0n, also: ['20%'] } })
    await office.credit(money(9_999_999n))
    await office.debit(money(9_999_998n))
    expect(await told(test)).toEqual([])
    await office.credit({ ...money(9_999_999n), kind: 'purchase' })
    await office.credit(money(50n))
    await office.debit(money(8_000_050n))
    expect(await told(test)).toEqual([])
    await office.debit(money(2n))
    expect(await told(test)).toEqual(['balance.low 1999998 below 1999999 #1'])
  })

  it('say nothing of an account that is new and has nothing yet, also not when they are lifted again', async () => {
    const office = test.office()
    await office.put('acme', { lowBalance: { threshold: 5n } })
    await office.patch('acme', { lowBalance: null })
    expect(await told(test)).toEqual([])
    await office.patch('acme', { lowBalance: { threshold: 5n } })
    expect(await told(test)).toEqual([])
    await office.credit(money(1n))
    expect(await told(test)).toEqual(['balance.low 1 below 5 #1'])
    await office.patch('acme', { lowBalance: null })
    expect(await told(test)).toHaveLength(1)
  })

  it('take what an older daemon told for all of them', async () => {
    const office = test.office()
    await office.put('acme', { lowBalance: { threshold: 50n, also: [20n] } })
    await office.credit(money(30n))
    const { partition = 0 } = (await office.chainOf('acme')) ?? {}
    await test.store.command((client) => client.hset(test.keys.account(partition, 'acme'), 'low', '1'))
    await office.debit(money(30n))
    expect(await told(test)).toEqual(['balance.low 30 below 50 #1'])
    await office.credit(money(60n))
    expect((await told(test)).slice(1)).toEqual(['balance.recovered 60 #1'])
  })
})
