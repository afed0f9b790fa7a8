import { describe, expect, it } from 'vitest'
import type { Money } from '../../src/accounts/office.ts'
import { streamEntries } from '../../src/store/replies.ts'
import { storeForms, type TestStore, useStore } from '../support/offices.ts'

async function told(test: TestStore): Promise<readonly string[]> {
  const { partition = 0 } = (await test.office().chainOf('acme')) ?? {}
  const entries = await test.store.command((client) => client.xrange(test.keys.outbox(partition), '-', '+'))
  return streamEntries(entries).map(
    ({ fields }) => `${fields['type'] ?? ''} ${fields['available'] ?? ''} #${fields['arming'] ?? ''}`,
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
    expect(await told(test)).toEqual(['balance.low 4999999 #1'])
    await office.debit(money(3_000_000n))
    expect((await told(test)).slice(1)).toEqual(['recharge.due 1999998 #1'])
    await office.credit(money(3_000_001n))
    await office.credit(money(1n))
    await office.debit(money(1n))
    expect((await told(test)).slice(2)).toEqual(['balance.low 4999999 #2'])
    await office.debit(money(4_999_999n))
    expect((await told(test)).slice(3)).toEqual(['recharge.due 0 #2'])
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
    expect(await told(test)).toEqual(['balance.low 1 #1'])
  })
})
