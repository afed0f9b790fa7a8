import { describe, expect, it } from 'vitest'
import type { Money, OfficeRefused, Posted } from '../../src/accounts/office.ts'
import { MAX_MICROS } from '../../src/base/money.ts'
import { RedisNews } from '../../src/store/news.ts'
import { storeForms, useStore } from '../support/offices.ts'

function money(account: string, amount: bigint, changes: Partial<Money> = {}): Money {
  return { account, amount, operation: 'op-1', kind: 'purchase', ...changes }
}

function refusalOf(answer: { kind: string }): string {
  return answer.kind === 'refused' ? (answer as OfficeRefused).code : answer.kind
}

function posted(answer: Posted | OfficeRefused): Posted {
  if (answer.kind !== 'posted') throw new Error(answer.detail)
  return answer
}

describe.each(storeForms)('accounts on %s', (_name, form) => {
  const test = useStore(form)

  describe('profiles', () => {
    it('makes an account with the defaults', async () => {
      const saved = await test.office().put('acme', {})
      expect(saved).toMatchObject({
        kind: 'saved',
        created: true,
        profile: {
          id: 'acme',
          name: 'acme',
          root: 'acme',
          status: 'active',
          currency: 'USD',
          timezone: 'UTC',
          creditLimit: 0n,
          funding: ['trunk', 'pool', 'credit'],
          cycleDay: 1,
          trunks: { inbound: 0, outbound: 0, twoWay: 0 },
          pools: [],
          version: 1,
          createdAtMs: test.clock.nowMs(),
        },
      })
      expect(await test.office().get('acme')).toEqual(saved.kind === 'saved' && saved.profile)
    })

    it('keeps every field as it was given', async () => {
      const input = {
        name: 'Acme Ltd',
        status: 'suspended' as const,
        currency: 'EUR',
        timezone: 'Europe/Berlin',
        tariff: 'gold',
        creditLimit: 12_345_678n,
        funding: ['credit' as const],
        cycleDay: 31,
        trunks: { inbound: 1, outbound: 2, twoWay: 3 },
        blockedPrefixes: ['900'],
        maxCalls: 4,
        maxPricePerMinute: '0.5',
        spendCaps: { day: 1n, month: 2n },
        lowBalance: { threshold: 5n },
        recharge: { enabled: true, threshold: 6n, amount: 5_000_000n },
        onEngineError: 'allowCapped' as const,
        engineErrorSeconds: 9,
        engineErrorCalls: 8,
      }
      await test.office().put('acme', input)
      expect(await test.office().get('acme')).toMatchObject(input)
    })

    it('changes only what a patch names, and all but who it is when put again', async () => {
      const office = test.office()
      await office.put('acme', { name: 'Acme', tariff: 'gold', currency: 'EUR' })
      await office.patch('acme', { creditLimit: 9n })
      expect(await office.get('acme')).toMatchObject({ name: 'Acme', tariff: 'gold', creditLimit: 9n, version: 2 })
      const replaced = await office.put('acme', { name: 'Acme 2' })
      expect(replaced).toMatchObject({ created: false, profile: { name: 'Acme 2', creditLimit: 0n, currency: 'EUR' } })
      expect(await office.get('acme')).not.toHaveProperty('tariff')
    })

    it('keeps status, trunks and pools when it is put again without them', async () => {
      const office = test.office()
      const trunks = { inbound: 1, outbound: 2, twoWay: 3 }
      await office.put('acme', { name: 'Acme', status: 'suspended', trunks })
      await office.addPool('acme', { id: 'plan', name: 'Plan', seconds: 60 })
      await office.put('acme', { name: 'Acme 2' })
      const kept = { name: 'Acme 2', status: 'suspended', trunks, pools: [{ id: 'plan' }] }
      expect(await office.get('acme')).toMatchObject(kept)
      const none = { inbound: 0, outbound: 0, twoWay: 0 }
      await office.put('acme', { status: 'active', trunks: none })
      expect(await office.get('acme')).toMatchObject({ status: 'active', trunks: none, pools: [{ id: 'plan' }] })
    })

    it('clears the fields that are patched with null', async () => {
      const policies = {
        tariff: 'gold',
        maxCalls: 4,
        maxPricePerMinute: '0.5',
        lowBalance: { threshold: 5n },
        recharge: { enabled: true, threshold: 6n, amount: 5_000_000n },
      }
      const office = test.office()
      await office.put('acme', { ...policies, name: 'Acme', spendCaps: { day: 1n } })
      const cleared = Object.fromEntries(Object.keys(policies).map((field) => [field, null]))
      expect(await office.patch('acme', { ...cleared, spendCaps: null })).toMatchObject({ kind: 'saved' })
      const found = await office.get('acme')
      expect(found).toMatchObject({ name: 'Acme', spendCaps: {}, version: 2 })
      for (const field of Object.keys(policies)) expect(found).not.toHaveProperty(field)
      expect(await office.patch('acme', cleared)).toMatchObject({ profile: { version: 2 } })
    })

    it('buys no less at once than can be bought (C1)', async () => {
      const office = test.office()
      const recharge = { enabled: false, threshold: 1n, amount: 4_999_999n }
      const refused = { kind: 'refused', code: 'amount_below_minimum', field: '/recharge/amount' }
      expect(await office.put('acme', { recharge })).toMatchObject(refused)
      expect(await office.get('acme')).toBeUndefined()
      await office.put('acme', {})
      expect(await office.put('acme', { recharge })).toMatchObject(refused)
      expect(await office.patch('acme', { recharge })).toMatchObject(refused)
      expect(await test.office({ minimumPurchase: 1n }).patch('acme', { recharge })).toMatchObject({ kind: 'saved' })
    })

    it('counts no version when nothing changes', async () => {
      await test.office().put('acme', { name: 'Acme' })
      expect(await test.office().put('acme', { name: 'Acme' })).toMatchObject({ profile: { version: 1 } })
    })

    it('loses no change of many that are made at once', async () => {
      await test.office().put('acme', {})
      const fields = ['creditLimit', 'cycleDay', 'maxCalls', 'engineErrorCalls'] as const
      await Promise.all(
        fields.map((field) => test.office().patch('acme', { [field]: field === 'creditLimit' ? 7n : 7 })),
      )
      const expected = { creditLimit: 7n, cycleDay: 7, maxCalls: 7, engineErrorCalls: 7, version: 5 }
      expect(await test.office().get('acme')).toMatchObject(expected)
    })

    it('makes one account of many that are put at once', async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => test.office().put('acme', { name: 'Acme' })))
      expect(answers.filter((answer) => answer.kind === 'saved' && answer.created)).toHaveLength(1)
      expect(await test.office().get('acme')).toMatchObject({ version: 1 })
    })

    it('finishes an account whose maker died after claiming its id', async () => {
      await test.office().put('root', {})
      await test.store.command((client) => client.set(test.keys.directory('child'), 'root'))
      expect(await test.office().get('child')).toBeUndefined()
      expect(refusalOf(await test.office().put('child', {}))).toBe('root_is_fixed')
      expect(await test.office().put('child', { parent: 'root' })).toMatchObject({ created: true })
    })

    it.each([
      ['account_unknown', 'nobody', { name: 'x' }],
      ['root_is_fixed', 'child', { parent: 'other' }],
      ['root_is_fixed', 'root', { parent: 'other' }],
      ['currency_mismatch', 'child', { currency: 'EUR' }],
      ['currency_is_fixed', 'root', { currency: 'EUR' }],
    ])('refuses %s when %s is patched with %o', async (code, id, input) => {
      const office = test.office()
      await office.put('root', {})
      await office.put('other', {})
      await office.put('child', { parent: 'root' })
      expect(refusalOf(await office.patch(id, input))).toBe(code)
    })

    it('lets the currency change until there is an entry', async () => {
      const office = test.office()
      await office.put('acme', {})
      expect(await office.patch('acme', { currency: 'EUR' })).toMatchObject({ profile: { currency: 'EUR' } })
      posted(await office.credit(money('acme', 5_000_000n)))
      expect(refusalOf(await office.patch('acme', { currency: 'USD' }))).toBe('currency_is_fixed')
    })

    it('knows nothing of ids that are none', async () => {
      for (const id of ['', 'a b', 'x'.repeat(65), 'a:b', '{1}']) {
        expect(await test.office().chainOf(id)).toBeUndefined()
        await expect(test.office().put(id, {})).rejects.toThrow('is no id')
      }
    })
  })

  describe('trees', () => {
    it('keeps a tree in the partition of its root, and gives the chain from payer to root', async () => {
      const office = test.office()
      await office.put('a', { currency: 'EUR', timezone: 'Europe/Paris' })
      await office.put('b', { parent: 'a' })
      await office.put('c', { parent: 'b' })
      const chain = await office.chainOf('c')
      expect(chain?.levels.map(({ id }) => id)).toEqual(['c', 'b', 'a'])
      expect(chain?.levels.map(({ root, currency, timezone }) => [root, currency, timezone])).toEqual(
        Array.from({ length: 3 }, () => ['a', 'EUR', 'Europe/Paris']),
      )
      expect(chain?.partition).toBe((await office.chainOf('a'))?.partition)
      await office.put('b', { name: 'B' })
      expect(await office.get('b')).toMatchObject({ parent: 'a', currency: 'EUR', timezone: 'Europe/Paris' })
    })

    it('is five accounts deep at most', async () => {
      const office = test.office()
      await office.put('level-1', {})
      for (let level = 2; level <= 5; level += 1) {
        const saved = await office.put(`level-${level}`, { parent: `level-${level - 1}` })
        expect(saved.kind).toBe('saved')
      }
      expect(refusalOf(await office.put('level-6', { parent: 'level-5' }))).toBe('chain_too_deep')
      expect(await office.get('level-6')).toBeUndefined()
    })

    it('has a parent that is there, with the same currency, and not closed', async () => {
      const office = test.office()
      await office.put('root', {})
      await office.put('shut', { status: 'closed' })
      expect(refusalOf(await office.put('a', { parent: 'nobody' }))).toBe('parent_unknown')
      expect(refusalOf(await office.put('a', { parent: 'a' }))).toBe('parent_unknown')
      expect(refusalOf(await office.put('a', { parent: 'root', currency: 'EUR' }))).toBe('currency_mismatch')
      expect(refusalOf(await office.put('a', { parent: 'shut' }))).toBe('account_closed')
    })

    it('never has a child of another currency, whoever comes first', async () => {
      await test.office().put('root', {})
      await Promise.all([
        test.office().patch('root', { currency: 'EUR' }),
        test.office().put('child', { parent: 'root', currency: 'USD' }),
      ])
      const [root, child] = await Promise.all([test.office().get('root'), test.office().get('child')])
      expect(child === undefined || child.currency === root?.currency).toBe(true)
    })

    it('lists children, and all accounts, a page at a time', async () => {
      const office = test.office()
      const roots = Array.from({ length: 23 }, (_, n) => `root-${n}`)
      const children = Array.from({ length: 7 }, (_, n) => `child-${n}`)
      await Promise.all(roots.map((id) => office.put(id, {})))
      await Promise.all(children.map((id) => office.put(id, { parent: 'root-3' })))
      const all = async (parent?: string): Promise<string[]> => {
        const ids: string[] = []
        let cursor: string | undefined
        do {
          const page = await office.list({ limit: 4, ...(parent ? { parent } : {}), ...(cursor ? { cursor } : {}) })
          expect(page.items.length).toBeLessThanOrEqual(4)
          ids.push(...page.items.map(({ id }) => id))
          cursor = page.nextCursor
        } while (cursor !== undefined)
        return ids.sort()
      }
      expect(await all('root-3')).toEqual(children)
      expect(await all('root-4')).toEqual([])
      expect(await all()).toEqual([...roots, ...children].sort())
    })

    it('remembers a chain until it is forgotten', async () => {
      const [here, there] = [test.office(), test.office()]
      await here.put('root', {})
      await here.put('child', { parent: 'root' })
      expect((await here.chainOf('child'))?.levels[1]?.status).toBe('active')
      await there.patch('root', { status: 'suspended' })
      expect((await here.chainOf('child'))?.levels[1]?.status).toBe('active')
      here.forget('child')
      expect((await here.chainOf('child'))?.levels[1]?.status).toBe('suspended')
    })
  })

  it('tell the other daemons when a profile changes', async () => {
    const [here, there] = [test.office(), test.office()]
    await here.put('acme', {})
    await there.chainOf('acme')
    const heard = Promise.withResolvers<undefined>()
    const stop = await new RedisNews(test.store, test.keys).listen((news) => {
      if (news.kind === 'account') there.forget(news.account)
      heard.resolve(undefined)
    })
    await here.patch('acme', { status: 'suspended' })
    await heard.promise
    expect((await there.chainOf('acme'))?.levels[0]?.status).toBe('suspended')
    await test.store.command((client) => client.publish(test.keys.news(), 'not JSON'))
    await stop()
  })

  describe('money', () => {
    it('adds credit once for an operation, and answers it again for ever (C9)', async () => {
      const office = test.office()
      await office.put('acme', {})
      const first = posted(await office.credit(money('acme', 5_000_000n, { reason: 'card', externalId: 'ch_1' })))
      expect(first).toMatchObject({ replayed: false, amount: 5_000_000n, balance: 5_000_000n, currency: 'USD' })
      const other = posted(await office.credit(money('acme', 7_000_000n, { operation: 'op-2' })))
      expect(other.balance).toBe(12_000_000n)
      const again = await test.office().credit(money('acme', 5_000_000n, { reason: 'card', externalId: 'ch_1' }))
      expect(again).toEqual({ ...first, replayed: true })
      expect((await office.balance('acme'))?.credit).toBe(12_000_000n)
    })

    it.each<Partial<Money>>([{ amount: 6_000_000n }, { kind: 'adjustment' }, { reason: 'x' }, { externalId: 'x' }])(
      'refuses the same operation with other content: %o',
      async (changes) => {
        const office = test.office()
        await office.put('acme', {})
        posted(await office.credit(money('acme', 5_000_000n)))
        expect(refusalOf(await office.credit(money('acme', 5_000_000n, changes)))).toBe('request_conflict')
        const debit = await office.debit(money('acme', 5_000_000n))
        expect(debit).toMatchObject({ code: 'request_conflict' })
        expect((debit as OfficeRefused).detail).toContain('each take a key of their own')
        expect((await office.balance('acme'))?.credit).toBe(5_000_000n)
      },
    )

    it('refuses a purchase of 4.99 and takes one of 5.00 (C1)', async () => {
      const office = test.office()
      await office.put('acme', {})
      expect(refusalOf(await office.credit(money('acme', 4_990_000n)))).toBe('amount_below_minimum')
      expect(refusalOf(await office.credit(money('acme', 5_000_000n)))).toBe('posted')
      const adjustment = money('acme', 1n, { kind: 'adjustment', operation: 'op-2' })
      expect(refusalOf(await office.credit(adjustment))).toBe('posted')
      for (const amount of [0n, -1n]) {
        const none = money('acme', amount, { kind: 'adjustment', operation: 'op-3' })
        expect(refusalOf(await office.credit(none))).toBe('amount_below_minimum')
      }
    })

    it('answers an operation again when the minimum was raised or the account closed since', async () => {
      const office = test.office()
      await office.put('acme', {})
      posted(await office.credit(money('acme', 5_000_000n)))
      await office.patch('acme', { status: 'closed' })
      const later = test.office({ minimumPurchase: 10_000_000n })
      expect(posted(await later.credit(money('acme', 5_000_000n))).replayed).toBe(true)
      expect(refusalOf(await later.credit(money('acme', 50_000_000n, { operation: 'op-2' })))).toBe('account_closed')
      const adjustment = money('acme', 5_000_000n, { kind: 'adjustment', operation: 'op-3' })
      expect(posted(await later.debit(adjustment)).balance).toBe(0n)
    })

    it('gives an account that is not there nothing', async () => {
      expect(refusalOf(await test.office().credit(money('nobody', 5_000_000n)))).toBe('account_unknown')
      expect(await test.office().balance('nobody')).toBeUndefined()
    })

    it('debits what is available, with the credit limit, and not one micro more', async () => {
      const office = test.office()
      await office.put('acme', { creditLimit: 2_000_000n })
      posted(await office.credit(money('acme', 5_000_000n)))
      const over = money('acme', 7_000_001n, { kind: 'fee', operation: 'op-2' })
      expect(await office.debit(over)).toMatchObject({
        code: 'insufficient_credit',
        detail: expect.stringContaining('7.000000'),
      })
      const all = money('acme', 7_000_000n, { kind: 'fee', operation: 'op-2' })
      expect(posted(await office.debit(all)).balance).toBe(-2_000_000n)
      expect(await office.balance('acme')).toMatchObject({
        credit: -2_000_000n,
        available: 0n,
        creditLimit: 2_000_000n,
      })
    })

    it('does not debit what is put aside for calls', async () => {
      const office = test.office()
      await office.put('acme', {})
      posted(await office.credit(money('acme', 5_000_000n)))
      const { partition = 0 } = (await office.chainOf('acme')) ?? {}
      const key = test.keys.account(partition, 'acme')
      await test.store.command((client) => client.hset(key, 'dr', '1000000'))
      expect(await office.balance('acme')).toMatchObject({ reserved: 1_000_000n, available: 4_000_000n })
      const debit = money('acme', 4_000_001n, { kind: 'adjustment', operation: 'op-2' })
      expect(refusalOf(await office.debit(debit))).toBe('insufficient_credit')
      await test.store.command((client) => client.hdel(key, 'dr'))
    })

    it('refuses sums that reach 2^53 micros, before anything is written', async () => {
      const office = test.office()
      await office.put('acme', {})
      expect(refusalOf(await office.credit(money('acme', MAX_MICROS + 1n)))).toBe('amount_too_large')
      expect(posted(await office.credit(money('acme', MAX_MICROS - 5_000_000n))).balance).toBe(MAX_MICROS - 5_000_000n)
      const over = money('acme', 5_000_001n, { operation: 'op-2' })
      expect(refusalOf(await office.credit(over))).toBe('amount_too_large')
      const last = money('acme', 5_000_000n, { operation: 'op-2' })
      expect(posted(await office.credit(last)).balance).toBe(MAX_MICROS)
    })

    it('takes 50 equal credits at once for one', async () => {
      await test.office().put('acme', {})
      const daemons = [test.office(), test.office(), test.office()] as const
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) => daemons[(n % 3) as 0 | 1 | 2].credit(money('acme', 5_000_000n))),
      )
      const firsts = answers.filter((answer) => answer.kind === 'posted' && !answer.replayed)
      expect(firsts).toHaveLength(1)
      expect(new Set(answers.map((answer) => (answer.kind === 'posted' ? answer.entry : '')))).toHaveProperty('size', 1)
      expect((await test.office().balance('acme'))?.credit).toBe(5_000_000n)
    })

    it('adds 50 different credits at once to the micro', async () => {
      await test.office().put('acme', {})
      const daemons = [test.office(), test.office(), test.office()] as const
      const amounts = Array.from({ length: 50 }, (_, n) => 5_000_000n + BigInt(n * n))
      await Promise.all(
        amounts.map((amount, n) =>
          daemons[(n % 3) as 0 | 1 | 2].credit(money('acme', amount, { operation: `op-${n}` })),
        ),
      )
      const sum = amounts.reduce((total, amount) => total + amount, 0n)
      expect((await test.office().balance('acme'))?.credit).toBe(sum)
      expect((await test.office().transactions('acme', { limit: 100 })).items).toHaveLength(50)
    })

    it('lets 50 debits at once take what there is, and nothing beyond it', async () => {
      await test.office().put('acme', {})
      posted(await test.office().credit(money('acme', 5_000_000n)))
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          test.office().debit(money('acme', 300_000n, { kind: 'fee', operation: `fee-${n}` })),
        ),
      )
      expect(answers.filter(({ kind }) => kind === 'posted')).toHaveLength(16)
      expect((await test.office().balance('acme'))?.credit).toBe(200_000n)
    })

    it('credits with the profile that is stored, whatever another daemon remembers', async () => {
      const [here, there] = [test.office(), test.office()]
      await here.put('acme', {})
      await there.chainOf('acme')
      await here.patch('acme', { creditLimit: 1_000_000n })
      expect(posted(await there.debit(money('acme', 1_000_000n, { kind: 'fee' }))).balance).toBe(-1_000_000n)
      await here.patch('acme', { status: 'closed' })
      expect(refusalOf(await there.credit(money('acme', 9_000_000n, { operation: 'op-2' })))).toBe('account_closed')
    })
  })

  describe('transactions', () => {
    it('tell what, why, how much and what was left, newest first', async () => {
      const office = test.office()
      await office.put('acme', {})
      posted(await office.credit(money('acme', 5_000_000n, { reason: 'card', externalId: 'ch_1' })))
      test.clock.advance(1_000)
      const fee = posted(await office.debit(money('acme', 1_500_000n, { kind: 'fee', operation: 'op-2' })))
      test.clock.advance(1_000)
      await office.addPool('acme', { name: 'Minutes', seconds: 600 })
      const { items } = await office.transactions('acme', { limit: 10 })
      const startMs = test.clock.nowMs() - 2_000
      expect(items).toEqual([
        expect.objectContaining({
          atMs: startMs + 2_000,
          what: 'pool',
          amount: 0n,
          balanceAfter: 3_500_000n,
          poolSeconds: 600,
        }),
        {
          id: fee.entry,
          atMs: startMs + 1_000,
          what: 'fee',
          operation: 'op-2',
          amount: -1_500_000n,
          balanceAfter: 3_500_000n,
          class: 'other',
          charge: 1_500_000n,
        },
        {
          id: expect.any(String),
          atMs: startMs,
          what: 'purchase',
          why: 'card',
          operation: 'op-1',
          externalId: 'ch_1',
          amount: 5_000_000n,
          balanceAfter: 5_000_000n,
        },
      ])
    })

    it('are shown by page and by period, which takes its start and leaves its end', async () => {
      const office = test.office()
      await office.put('acme', {})
      const startMs = test.clock.nowMs()
      for (let n = 0; n < 25; n += 1) {
        posted(await office.credit(money('acme', 1n, { kind: 'adjustment', operation: `op-${n}` })))
        test.clock.advance(1_000)
      }
      const seen: number[] = []
      let cursor: string | undefined
      do {
        const page = await office.transactions('acme', {
          fromMs: startMs + 3_000,
          untilMs: startMs + 20_000,
          limit: 4,
          ...(cursor ? { cursor } : {}),
        })
        seen.push(...page.items.map(({ atMs }) => (atMs - startMs) / 1_000))
        cursor = page.nextCursor
        // What comes in meanwhile moves no page.
        posted(await office.credit(money('acme', 1n, { kind: 'adjustment', operation: `late-${seen.length}` })))
      } while (cursor !== undefined)
      expect(seen).toEqual(Array.from({ length: 17 }, (_, n) => 19 - n))
      expect(await office.transactions('acme', { limit: 4, cursor: 'nonsense' })).toEqual({ items: [] })
      const beyond = await office.transactions('acme', { limit: 4, cursor: '999999999999999' })
      expect(beyond).toEqual(await office.transactions('acme', { limit: 4 }))
      expect(await office.transactions('nobody', { limit: 4 })).toEqual({ items: [] })
    })
  })

  describe('CDRs', () => {
    /** What settling a call writes: the entry, the order of first ends, the newest entry of a corrected call. */
    async function writeCdr(call: string, entry: number, endedAt: string, revision = 0): Promise<void> {
      const { partition = 0 } = (await test.office().chainOf('acme')) ?? {}
      const { keys, store } = test
      await store.command(async (client) => {
        await client.xadd(keys.cdrs(partition), `${entry}-1`, 'j', JSON.stringify({ call, endedAt, entry }))
        if (revision > 0) await client.hset(keys.cdrIndex(partition, 'acme'), call, `${entry}-1`)
        else await client.rpush(keys.cdrOrder(partition, 'acme'), `${entry}-1`)
      })
    }

    function callsOf(texts: readonly string[]): readonly string[] {
      return texts.map((text) => {
        const { call, entry } = JSON.parse(text) as { call: string; entry: number }
        return `${call} ${entry}`
      })
    }

    it('are shown newest first, each call once in its newest revision, by page and period', async () => {
      const office = test.office()
      await office.put('acme', {})
      for (let n = 1; n <= 9; n += 1) await writeCdr(`call-${n}`, n, `2026-11-23T12:00:0${n}.000Z`)
      await writeCdr('call-4', 10, '2026-11-23T12:00:04.500Z', 1)
      const first = await office.cdrs('acme', { limit: 4 })
      expect(callsOf(first.items)).toEqual(['call-9 9', 'call-8 8', 'call-7 7', 'call-6 6'])
      const next = await office.cdrs('acme', { limit: 4, cursor: first.nextCursor ?? '' })
      expect(callsOf(next.items)).toEqual(['call-5 5', 'call-4 10', 'call-3 3', 'call-2 2'])
      const fromMs = Date.parse('2026-11-23T12:00:03Z')
      const period = await office.cdrs('acme', { fromMs, untilMs: fromMs + 3_000, limit: 10 })
      expect(callsOf(period.items)).toEqual(['call-5 5', 'call-4 10', 'call-3 3'])
      expect(period).not.toHaveProperty('nextCursor')
    })

    it('that are kept no more are passed over, and nobody has any', async () => {
      const office = test.office()
      await office.put('acme', {})
      await writeCdr('call-1', 1, '2026-11-23T12:00:01.000Z')
      await writeCdr('call-2', 2, '2026-11-23T12:00:02.000Z')
      const { partition = 0 } = (await office.chainOf('acme')) ?? {}
      await test.store.command((client) => client.xtrim(test.keys.cdrs(partition), 'MINID', '2'))
      expect(callsOf((await office.cdrs('acme', { limit: 10 })).items)).toEqual(['call-2 2'])
      expect(await office.cdrs('nobody', { limit: 10 })).toEqual({ items: [] })
    })
  })
})
