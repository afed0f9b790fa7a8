/** Receipts of payments on a real store. */
import { describe, expect, it } from 'vitest'
import { paidReceipts } from '../../src/app/paid-receipts.ts'
import { useStore } from '../support/offices.ts'
import { Till } from '../support/till.ts'

describe('receipts', () => {
  const test = useStore('redis')

  it('are found by their number, and are of their account only', async () => {
    const till = new Till(test)
    for (const account of ['acme', 'acme-1']) await till.office.put(account, {})
    const failed = await till.must('acme', { token: 'tok_decline' })
    const first = await till.must('acme', { buyer: 'buyer@example.com' })
    const second = await till.must('acme')
    const other = await till.must('acme-1')
    const receipts = paidReceipts(till.store)
    expect(await receipts.find('acme', 'acme-1')).toMatchObject({ payment: first.id, buyer: 'buyer@example.com' })
    expect(await receipts.find('acme', 'acme-2')).toMatchObject({ payment: second.id, receipt: 'acme-2' })
    expect(await receipts.find('acme-1', 'acme-1-1')).toMatchObject({ payment: other.id })
    for (const [account, receipt] of [
      ['acme', 'acme-3'],
      ['acme', 'acme-1-1'],
      ['acme', 'acme-01'],
      ['acme', 'acme-1e0'],
      ['acme-1', 'acme-1'],
      ['nobody', 'nobody-1'],
    ] as const)
      expect(await receipts.find(account, receipt)).toBeUndefined()
    const { items } = await receipts.list('acme', { limit: 10 })
    expect(items.map(({ payment }) => payment)).toEqual([second.id, first.id])
    expect(items.some(({ payment }) => payment === failed.id)).toBe(false)
  })

  it('say when it was paid, not when it was asked for', async () => {
    const till = new Till(test)
    await till.office.put('acme', {})
    const { id } = await till.must('acme', { token: 'tok_timeout' })
    test.clock.advance(60_000)
    await till.cashier.lookUp(id)
    expect(await paidReceipts(till.store).find('acme', 'acme-1')).toMatchObject({
      payment: id,
      paidAtMs: test.clock.nowMs(),
    })
  })
})
