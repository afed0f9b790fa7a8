import { describe, expect, it } from 'vitest'
import { formatAmount, parseAmount } from '../../src/base/money.ts'
import { formatInstant } from '../../src/base/time.ts'
import { usd } from '../support/a-call.ts'
import { archiveForms } from '../support/archives.ts'
import { type Line, stepwise, useExports } from '../exports/export-rig.ts'

const DAY_SECONDS = 86_400

function sum(lines: readonly Line[], title: string): bigint {
  return lines.reduce((total, line) => total + (parseAmount(line[title] ?? '') ?? 0n), 0n)
}

describe.each(archiveForms)('the rows of an export, with the archive on %s', (form) => {
  const rig = useExports(form)

  /** A call of ten seconds that was taken for longer until its real end is told. */
  async function corrected(callId: string, account: string): Promise<() => Promise<void>> {
    const call = rig().world.call(callId, { account })
    await call.authorize()
    await call.start()
    await rig().world.settleDown()
    return async () => {
      await call.stop({ endedAtMs: (call.answeredAtMs ?? 0) + 10_000 })
    }
  }

  it('add up to the summary and to the journal, also of corrected calls and of all below', async () => {
    await rig().calls()
    await (
      await corrected('d', 'sub')
    )()
    const wanted = rig().order({ includeDescendants: true })
    const lines = await rig().lines(wanted)
    const summary = await rig().usage.summary('acme', { ...wanted, by: 'account' })
    expect(lines).toHaveLength(summary.reduce((calls, row) => calls + row.calls, 0))
    for (const { key, charge, billedSeconds } of summary) {
      const own = lines.filter(({ account }) => account === key)
      expect([key, sum(own, 'charge')]).toEqual([key, charge])
      expect(own.reduce((total, line) => total + Number(line['billed_seconds']), 0)).toBe(billedSeconds)
    }
    const entries = await rig().lines({ ...wanted, content: 'transactions' })
    const took = entries.filter(({ call }) => call !== '')
    expect(sum(took, 'amount')).toBe(-sum(lines, 'charge'))
    for (const account of ['acme', 'sub']) {
      const own = entries.filter((line) => line['account'] === account)
      expect(sum(own, 'amount')).toBe((await rig().world.balance(account)).credit)
    }
    expect(lines.filter(({ call_id: id }) => id === 'd').map(({ revision, seconds }) => [revision, seconds])).toEqual([
      ['1', '10'],
      ['1', '10'],
    ])
  })

  it('are of one time: what settles or is corrected while they are read is in another export', async () => {
    const { world } = rig()
    await rig().calls()
    const corrections = [await corrected('d', 'acme'), await corrected('e', 'acme')]
    const before = await rig().lines()
    let late = 0
    const archive = stepwise(rig().archive.exports, async () => {
      await corrections.shift()?.()
      await rig().talked(`late-${(late += 1)}`, 'acme', 5)
      await rig().archive.archiver.round(() => false)
    })
    const untilMs = world.nowMs + DAY_SECONDS * 1000
    expect(await rig().lines({ untilMs }, archive)).toEqual(before)
    expect(late).toBeGreaterThan(5)
    const after = await rig().lines({ untilMs })
    expect(after.map(({ call_id: id }) => id).toSorted()).toEqual(
      [...before.map(({ call_id: id }) => id), ...Array.from({ length: late }, (_, n) => `late-${n + 1}`)].toSorted(),
    )
    expect(after.filter(({ revision }) => revision === '1').map(({ call_id: id }) => id)).toEqual(['d', 'e'])
  })

  it('come in the order in which the calls ended, page after page, also of calls that ended at one instant', async () => {
    await rig().world.account('acme', { credit: usd('10') })
    const calls = ['a', 'b', 'c'].map((callId) => rig().world.call(callId))
    for (const call of calls) {
      await call.authorize()
      await call.start()
    }
    await rig().world.play(10)
    await calls[2]?.stop({ endedAtMs: rig().world.nowMs - 5_000 })
    await calls[1]?.stop()
    await calls[0]?.stop()
    const idsOf = (lines: readonly Line[]) => lines.map(({ call_id: id }) => id)
    expect(idsOf(await rig().lines())).toEqual(['c', 'b', 'a'])
    expect(
      idsOf(
        await rig().lines(
          {},
          stepwise(rig().archive.exports, async () => undefined),
        ),
      ),
    ).toEqual(['c', 'b', 'a'])
  })

  it('of an old month are those of that month, read without a look at what came later', async () => {
    const { world } = rig()
    await world.account('acme', { credit: usd('10') })
    await rig().talked('old', 'acme', 10)
    const untilMs = world.nowMs + 1
    await world.elapse(90 * DAY_SECONDS)
    for (const callId of ['x', 'y', 'z']) await rig().talked(callId, 'acme', 10)
    const pages: number[] = []
    const archive = stepwise(rig().archive.exports, async (page) => void pages.push(page))
    const lines = await rig().lines({ untilMs }, archive)
    expect(lines.map(({ call_id: id }) => id)).toEqual(['old'])
    expect(pages).toEqual([1, 2])
  })

  it('of a user or direction are only theirs, however many pages have none', async () => {
    await rig().calls()
    await rig().world.account('acme', {})
    const call = rig().world.call('of jo', { account: 'acme' })
    await call.authorize({ user: 'jo' })
    await call.start()
    await call.talk(5)
    await call.stop()
    const found = async (change: object) =>
      (
        await rig().lines(
          change,
          stepwise(rig().archive.exports, async () => undefined),
        )
      ).map((line) => line['call_id'])
    expect(await found({ user: 'jo' })).toEqual(['of jo'])
    expect(await found({ user: 'nobody' })).toEqual([])
    expect(await found({ direction: 'inbound' })).toEqual([])
    expect(await found({ direction: 'outbound' })).toEqual(['a', 'b', 'c', 'of jo'])
  })

  it('of transactions are the entries of the account, the oldest first', async () => {
    await rig().world.account('acme', { credit: usd('10'), pools: [{ name: 'minutes', seconds: 600 }] })
    await rig().talked('a', 'acme', 61)
    await rig().world.credit('acme', -usd('1.5'))
    await rig().talked('b', 'acme', 900)
    const fee = { account: 'acme', amount: usd('0.5'), operation: 'fee', kind: 'fee', class: 'e911' } as const
    await rig().world.test.office().debit(fee)
    const { items } = await rig().world.test.office().transactions('acme', { limit: 100 })
    const lines = await rig().lines({ content: 'transactions' })
    expect(
      lines.map((line) => [line['id'], line['at'], line['what'], line['amount'], line['call'], line['operation']]),
    ).toEqual(
      items
        .toReversed()
        .map(({ id, atMs, what, amount, call = '', operation = '' }) => [
          id,
          formatInstant(atMs),
          what,
          formatAmount(amount),
          call,
          operation,
        ]),
    )
    expect(lines.map((line) => line['pool_seconds'])).toEqual(
      items.toReversed().map(({ poolSeconds }) => (poolSeconds === undefined ? '' : String(poolSeconds))),
    )
    expect(lines.at(-1)).toMatchObject({ amount: '-0.500000', class: 'e911', charge: '0.500000' })
    expect(lines.at(-2)).toMatchObject({ class: '', charge: '' })
    expect(lines.at(-1)?.['balance_after']).not.toBe('')
  })
})
