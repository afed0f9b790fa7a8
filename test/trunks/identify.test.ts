import { describe, expect, it } from 'vitest'
import { type Arrival, identify, readyRules, type TrunkRule } from '../../src/trunks/identify.ts'

const rules = readyRules([
  { name: 'acme-pbx', account: 'acme', direction: 'outbound', sources: ['203.0.113.0/24', '2001:db8::/32'] },
  {
    name: 'acme-numbers',
    account: 'acme',
    direction: 'inbound',
    sources: ['198.51.100.1'],
    to: ['+14155550100', '1415555011'],
  },
  { name: 'gateway', account: 'shop', sources: ['192.0.2.10'], from: ['+442079460'] },
  { name: 'gateway', account: 'other', sources: ['192.0.2.10'], from: ['+4420'] },
  { name: 'softphone', account: 'shop', direction: 'outbound' },
  { name: 'anything-else', account: 'catch-all', sources: ['0.0.0.0/0'], direction: 'outbound' },
] satisfies readonly TrunkRule[])

const to = '+442071838750'

describe('identify', () => {
  it.each<readonly [string, Arrival, string | undefined]>([
    ['a source in a network', { source: '203.0.113.7', direction: 'outbound', to }, 'acme by acme-pbx'],
    ['a source with its port', { source: '203.0.113.7:5060', direction: 'outbound', to }, 'acme by acme-pbx'],
    ['an IPv6 source', { source: '2001:db8::7', direction: 'outbound', to }, 'acme by acme-pbx'],
    ['a known source in the other direction', { source: '203.0.113.7', direction: 'inbound', to }, undefined],
    ['a source nobody knows', { source: '203.0.114.7', direction: 'inbound', to }, undefined],
    ['a source that is no address', { source: 'pbx.example.com', direction: 'inbound', to }, undefined],
    ['nothing at all', {}, undefined],
    ['a DID', { source: '198.51.100.1', direction: 'inbound', to: '+1 (415) 555-0100' }, 'acme by acme-numbers'],
    [
      'a DID as a SIP address',
      { source: '198.51.100.1', direction: 'inbound', to: 'sip:0014155550110@tollgate' },
      'acme by acme-numbers',
    ],
    ['a DID of someone else', { source: '198.51.100.1', direction: 'inbound', to: '+14155550120' }, undefined],
    ['a DID from another source', { source: '198.51.100.2', direction: 'inbound', to: '+14155550100' }, undefined],
    ['the first of two rules that fit', { source: '192.0.2.10', from: '+442079460958', to }, 'shop by gateway'],
    ['the second when the first does not', { source: '192.0.2.10', from: '+442011110000', to }, 'other by gateway'],
    ['a rule that wants an ANI, without one', { source: '192.0.2.10', direction: 'inbound', to }, undefined],
    ['the last rule, that takes all', { source: '8.8.8.8', direction: 'outbound', to }, 'catch-all by anything-else'],
    ['a trunk without conditions, by its name', { trunk: 'softphone', direction: 'outbound', to }, 'shop by softphone'],
    ['a named trunk in the other direction', { trunk: 'softphone', direction: 'inbound', to }, undefined],
    ['a named trunk, saying nothing else', { trunk: 'acme-pbx' }, 'acme by acme-pbx'],
    ['a named trunk from the wrong source', { trunk: 'acme-pbx', source: '192.0.2.10' }, undefined],
    [
      'a name that two rules share, told apart by the ANI',
      { trunk: 'gateway', from: '+442011110000' },
      'other by gateway',
    ],
    ['a name nobody knows', { trunk: 'gone', source: '8.8.8.8', direction: 'outbound' }, undefined],
  ])('%s', (_, arrival, expected) => {
    const found = identify(rules, arrival)
    expect(found && `${found.account} by ${found.trunk}`).toBe(expected)
  })

  it('never lets a rule without conditions take a call that does not name it', () => {
    expect(identify(readyRules([{ name: 'softphone', account: 'shop' }]), { source: '192.0.2.1', to })).toBeUndefined()
  })

  it('gives a call that does not say its direction that of the rule', () => {
    expect(identify(rules, { source: '203.0.113.7', to })).toEqual({
      account: 'acme',
      trunk: 'acme-pbx',
      direction: 'outbound',
    })
    expect(identify(rules, { source: '192.0.2.10', from: '+4420', to })).toEqual({ account: 'other', trunk: 'gateway' })
  })

  it('refuses rules whose sources are no addresses', () => {
    expect(() => readyRules([{ name: 'bad', account: 'a', sources: ['10.0.0.300'] }])).toThrow(
      /rule bad: source 10.0.0.300/,
    )
  })

  it('finds one of ten thousand DIDs', () => {
    const numbers = Array.from({ length: 10_000 }, (_, at) => `+1415${String(5_550_000 + at)}`)
    const many = readyRules([{ name: 'numbers', account: 'acme', to: numbers }])
    expect(identify(many, { to: '+14155559999' })?.account).toBe('acme')
    expect(identify(many, { to: '+14155560000' })).toBeUndefined()
  })
})

describe('a rule that wants a password', () => {
  const asked = readyRules([
    { name: 'phones', account: 'acme', from: ['+4420'], digest: { user: 'acme', password: 'correct-horse' } },
    { name: 'phones', account: 'beta', digest: { user: 'beta', password: 'battery-staple' } },
    { name: 'pbx', account: 'shop', sources: ['192.0.2.10'] },
  ])

  it.each<readonly [string, Arrival, string | undefined]>([
    ['fits the user that it names', { user: { name: 'beta' }, to }, 'beta wants beta'],
    ['fits no other user', { user: { name: 'gamma' }, to }, undefined],
    ['fits nobody without a user', { from: '+442079460958', to }, undefined],
    ['keeps its other conditions', { user: { name: 'acme' }, from: '+33142', to }, undefined],
    ['fits whoever is still to be asked', { user: 'anybody', from: '+442079460958', to }, 'acme wants acme'],
    ['fits an edge that names the trunk', { trunk: 'phones', from: '+33142', to }, 'beta wants beta'],
    ['leaves the other rules alone', { user: { name: 'gamma' }, source: '192.0.2.10', to }, 'shop wants nobody'],
  ])('%s', (_what, arrival, wanted) => {
    const found = identify(asked, arrival)
    expect(found && `${found.account} wants ${found.digest?.user ?? 'nobody'}`).toBe(wanted)
  })
})
