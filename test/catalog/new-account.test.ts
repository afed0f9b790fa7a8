import { describe, expect, it } from 'vitest'
import { loadCatalog } from '../../src/catalog/load.ts'
import { accountDefaults, newAccount } from '../../src/catalog/new-account.ts'
import { aFolder } from './a-folder.ts'

async function catalogOf(accounts: string) {
  const loaded = await loadCatalog(await aFolder({ 'accounts.yaml': accounts }))
  if (loaded.kind === 'invalid') throw new TypeError('a good folder')
  return loaded.catalog
}

describe('an account of the files, as the office is asked for it', () => {
  it('has its amounts in micros and its prefixes as digits', async () => {
    const { accounts } = await catalogOf(
      `accounts:
  - { id: root, name: Root }
  - id: acme
    name: Acme
    parent: root
    creditLimit: 50
    credit: 10.50
    trunks: { outbound: 2 }
    blockedPrefixes: [+1900]
    maxPricePerMinute: 0.50
    spendCaps: { day: 1.25 }
    lowBalance: { threshold: 2, also: [20%, 0.5], hysteresis: 1 }
    contacts: [{ email: ops@example.com, topics: [minutes] }, { email: cfo@example.com }]
    language: de
    recharge: { enabled: true, threshold: 5, amount: 20 }
    storageFee: { price: 0.25, thresholdBytes: 0, measure: average }
    onEngineError: allowCapped
    pools:
      - { name: P, seconds: 600, lowAt: [60, 10%], resets: cycle, scope: { directions: [inbound], prefixes: [+44] } }
      - { id: q, name: Q, seconds: 60, expiresAt: 2027-01-01T00:00:00Z, onExhausted: spill }
`,
    )
    expect(accounts[1] && newAccount(accounts[1])).toEqual({
      id: 'acme',
      profile: {
        name: 'Acme',
        parent: 'root',
        status: 'active',
        currency: 'USD',
        timezone: 'UTC',
        creditLimit: 50_000_000n,
        funding: ['trunk', 'pool', 'credit'],
        cycleDay: 1,
        trunks: { inbound: 0, outbound: 2, twoWay: 0 },
        blockedPrefixes: ['1900'],
        maxPricePerMinute: '0.50',
        spendCaps: { day: 1_250_000n },
        lowBalance: { threshold: 2_000_000n, also: ['20%', 500_000n], hysteresis: 1_000_000n },
        contacts: [{ email: 'ops@example.com', topics: ['minutes'] }, { email: 'cfo@example.com' }],
        language: 'de',
        recharge: { enabled: true, threshold: 5_000_000n, amount: 20_000_000n },
        storageFee: { price: 250_000n, thresholdBytes: 0, measure: 'average' },
        onEngineError: 'allowCapped',
      },
      pools: [
        { name: 'P', seconds: 600, lowAt: [60, '10%'], resets: 'cycle', directions: ['inbound'], prefixes: ['44'] },
        { id: 'q', name: 'Q', seconds: 60, expiresAtMs: Date.UTC(2027, 0, 1), onExhausted: 'spill' },
      ],
      credit: 10_500_000n,
    })
  })

  it('says nothing of what the defaults decide', async () => {
    const { accounts, settings } = await catalogOf('accounts: [{ id: a, name: A }]\n')
    const [account] = accounts.map(newAccount)
    expect(Object.keys(account?.profile ?? {}).sort()).toEqual([
      'blockedPrefixes',
      'creditLimit',
      'currency',
      'cycleDay',
      'funding',
      'name',
      'status',
      'timezone',
      'trunks',
    ])
    expect(accountDefaults(settings)).toEqual({
      currency: 'USD',
      timezone: 'UTC',
      onEngineError: 'deny',
      engineErrorSeconds: 60,
      engineErrorCalls: 5,
      pool: { freeSeconds: 30, increment: 60, onExhausted: 'finish_call', directions: ['outbound'] },
      minimumPurchase: 5_000_000n,
    })
  })
})
