import { describe, expect, it } from 'vitest'
import { loadCatalog } from '../../src/catalog/load.ts'
import { aFolder, aTariff, problemsOf } from './a-folder.ts'

type Case = readonly [what: string, text: string, problem: string]

describe('tollgate.yaml is refused with the place of', () => {
  it.each<Case>([
    ['a key nobody knows', 'htpp:\n  port: 1\n', '1:1: htpp: unknown key "htpp", did you mean "http"?'],
    ['a key that is nothing like ours', 'colour: red\n', '1:1: colour: unknown key "colour"'],
    [
      'a key in another spelling',
      'calls:\n  slice_seconds: 30\n',
      '2:3: calls.slice_seconds: unknown key "slice_seconds", did you mean "sliceSeconds"?',
    ],
    ['a word for a number', 'http:\n  port: web\n', '2:9: http.port: must be a number, not "web"'],
    ['a number in quotes', "http: { port: '80' }\n", '1:15: http.port: must be a number, not "80"'],
    ['a fraction', 'calls:\n  sliceSeconds: 1.5\n', '2:17: calls.sliceSeconds: must be a whole number, not 1.5'],
    ['too much', 'partitions: 1025\n', '1:13: partitions: must be at most 1024, not 1025'],
    ['too little', 'partitions: 0\n', '1:13: partitions: must be at least 1, not 0'],
    [
      'a call longer than a day',
      'calls: { maxCallSeconds: 86401 }\n',
      '1:26: calls.maxCallSeconds: must be at most 86400, not 86401',
    ],
    [
      'an extension later than the slice',
      'calls:\n  sliceSeconds: 5\n',
      '2:3: calls.extendAheadSeconds: must be less than sliceSeconds',
    ],
    ['text where keys belong', 'http: 8484\n', '1:7: http: must be keys with values, not "8484"'],
    ['a list where keys belong', 'http: [8484]\n', '1:7: http: must be keys with values, not a list'],
    ['text where a list belongs', 'roles: decide\n', '1:8: roles: must be a list, not "decide"'],
    [
      'a role nobody knows',
      'roles: [decide, clokc]\n',
      '1:17: roles[1]: must be one of decide, clock, jobs, archive, not "clokc", did you mean "clock"?',
    ],
    ['a role twice', 'roles: [clock, clock]\n', '1:8: roles: must not have an entry twice'],
    ['no role', 'roles: []\n', '1:8: roles: must have at least 1 entries, not a list'],
    [
      'neither true nor false',
      'log: { decisions: maybe }\n',
      '1:19: log.decisions: must be true or false, not "maybe"',
    ],
    [
      'an emergency number with a plus',
      'emergency:\n  numbers: [911, +112]\n',
      '2:18: emergency.numbers[1]: must be a whole number of 2 to 15 digits, not "+112"',
    ],
    [
      'a zone nobody knows',
      'defaults: { timezone: Europe/Pariss }\n',
      '1:23: defaults.timezone: must be a time zone such as Europe/Berlin',
    ],
    [
      'a currency in small letters',
      'defaults: { currency: usd }\n',
      '1:23: defaults.currency: must be a currency of three capitals, such as USD, not "usd"',
    ],
    [
      'an amount that is none',
      'defaults: { minimumPurchase: "5,00" }\n',
      '1:30: defaults.minimumPurchase: must be an amount such as "12.50", not below zero, with at most 6 decimals, not "5,00"',
    ],
    ['an amount whose comma ends it', 'defaults: { minimumPurchase: 5,00 }\n', '1:32: defaults.00: unknown key "00"'],
    ['an edge with nothing', 'edges:\n  kam1:\n', '2:8: edges.kam1: must be keys with values, not null'],
    [
      'a refusal nobody knows',
      'sipReplies:\n  no_credits: { status: 402, reason: Pay }\n',
      '2:3: sipReplies.no_credits: unknown key "no_credits", did you mean "no_credit"?',
    ],
    [
      'a reply that is no refusal',
      'sipReplies: { no_credit: { status: 200, reason: OK } }\n',
      '1:36: sipReplies.no_credit.status: must be at least 400, not 200',
    ],
    [
      'a reply without its reason',
      'sipReplies:\n  no_credit: { status: 402 }\n',
      '2:14: sipReplies.no_credit.reason: is missing',
    ],
    [
      'an edge without its kind',
      'edges:\n  kam1: { rpcUrl: http://x/RPC }\n',
      '2:9: edges.kam1.kind: is missing; must be one of kamailio, webhook, none',
    ],
    [
      'an edge of no kind',
      'edges:\n  kam1: { kind: kamalio }\n',
      '2:17: edges.kam1.kind: must be one of kamailio, webhook, none, not "kamalio", did you mean "kamailio"?',
    ],
    ['a Kamailio without its URL', 'edges:\n  kam1: { kind: kamailio }\n', '2:9: edges.kam1.rpcUrl: is missing'],
    [
      'a Kamailio with the keys of a webhook',
      'edges:\n  kam1:\n    kind: kamailio\n    rpcUrl: http://x/RPC\n    url: http://y\n',
      '5:5: edges.kam1.url: unknown key "url"',
    ],
    [
      'a URL that is none',
      'edges: { kam1: { kind: kamailio, rpcUrl: 127.0.0.1:8060 } }\n',
      '1:42: edges.kam1.rpcUrl: must be a URL such as http://127.0.0.1:8060/RPC, not "127.0.0.1:8060"',
    ],
    [
      'a short secret, which is not repeated',
      'edges: { w: { kind: webhook, url: http://x, secret: abc } }\n',
      '1:53: edges.w.secret: must have at least 16 characters',
    ],
    [
      'a clock for an edge that cannot be called back',
      'edges: { pbx: { kind: none, mode: clock } }\n',
      '1:35: edges.pbx.mode: must be one of edge, whole, not "clock"',
    ],
    [
      'an edge with an odd name',
      'edges: { "kam 1": { kind: none } }\n',
      '1:10: edges.kam 1: must be 1 to 64 letters, digits, "_", "." or "-", beginning with a letter or digit',
    ],
    [
      'a Redis URL, which is not repeated',
      'redis: { urls: ["http://:secret@x"] }\n',
      '1:17: redis.urls[0]: must be a URL such as redis://10.0.0.5:6379',
    ],
    ['a key twice', 'http: { port: 1 }\nhttp: { port: 2 }\n', '2:1: Map keys must be unique'],
    [
      'a bracket that is not closed',
      'roles: [decide\n',
      '2:1: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['a tab', 'http:\n\tport: 1\n', '2:1: Tabs are not allowed as indentation'],
    [
      'two documents',
      'http: {}\n---\nlog: {}\n',
      '2:1: Source contains multiple documents; please use YAML.parseAllDocuments()',
    ],
    ['an anchor that is not there', 'http: *web\n', '1:7: there is no anchor &web'],
    ['a list instead of keys', '- http\n', '1:1: must be keys with values, not a list'],
    [
      'nothing in it, as an editor leaves it for a moment',
      '',
      ' the file is empty; remove it if nothing is to be in it',
    ],
    ['a key of the language', '__proto__: { http: 1 }\n', '1:1: __proto__: unknown key "__proto__"'],
    ['one word', 'http\n', '1:1: must be keys with values, not "http"'],
  ])('%s', async (_, text, problem) => {
    expect(await problemsOf({ 'tollgate.yaml': text })).toEqual([`tollgate.yaml:${problem}`])
  })
})

describe('accounts.yaml is refused with the place of', () => {
  const account = (rest: string): string => `accounts:\n  - id: a\n    name: A\n    ${rest}\n`

  it.each<Case>([
    ['an account without a name', 'accounts:\n  - id: a\n', '2:5: accounts[0].name: is missing'],
    [
      'an id with a space',
      'accounts: [{ id: a b, name: A }]\n',
      '1:18: accounts[0].id: must be 1 to 64 letters, digits, "_", "." or "-", beginning with a letter or digit, not "a b"',
    ],
    [
      'an id twice',
      'accounts:\n  - { id: a, name: A }\n  - { id: a, name: B }\n',
      '3:11: accounts[1].id: there is an account "a" above',
    ],
    [
      'a parent that is not there',
      'accounts:\n  - { id: acme, name: A }\n  - { id: b, name: B, parent: amce }\n',
      '3:31: accounts[1].parent: there is no account "amce", did you mean "acme"?',
    ],
    [
      'a parent below its child',
      'accounts:\n  - { id: b, name: B, parent: a }\n  - { id: a, name: A }\n',
      '2:31: accounts[0].parent: account "a" must stand above its child "b"',
    ],
    ['an account above itself', account('parent: a'), '4:13: accounts[0].parent: account "a" cannot be its own parent'],
    [
      'another currency than the parent',
      'accounts:\n  - { id: a, name: A }\n  - { id: b, name: B, parent: a, currency: EUR }\n',
      '3:44: accounts[1].currency: must be USD, that of its parent "a"',
    ],
    [
      'a status nobody knows',
      account('status: suspend'),
      '4:13: accounts[0].status: must be one of active, suspended, closed, not "suspend", did you mean "suspended"?',
    ],
    [
      'a tariff that is not there',
      account('tariff: standart'),
      '4:13: accounts[0].tariff: there is no tariff "standart", did you mean "standard"?',
    ],
    [
      'credit below zero',
      account('credit: -1.00'),
      '4:13: accounts[0].credit: must be an amount such as "12.50", not below zero, with at most 6 decimals, not "-1.00"',
    ],
    [
      'credit finer than a micro',
      account('credit: 0.0000001'),
      '4:13: accounts[0].credit: must be an amount such as "12.50", not below zero, with at most 6 decimals, not "0.0000001"',
    ],
    [
      'credit beyond what can be counted',
      account('credit: 9999999999.99'),
      '4:13: accounts[0].credit: must be below 9007199254.740992',
    ],
    [
      'a source of funds nobody knows',
      account('funding: [trunk, card]'),
      '4:22: accounts[0].funding[1]: must be one of trunk, pool, credit, not "card"',
    ],
    ['the 32nd of a month', account('cycleDay: 32'), '4:15: accounts[0].cycleDay: must be at most 31, not 32'],
    [
      'half a channel',
      account('trunks: { twoWay: 0.5 }'),
      '4:23: accounts[0].trunks.twoWay: must be a whole number, not 0.5',
    ],
    [
      'channels below zero',
      account('trunks: { outbound: -1 }'),
      '4:25: accounts[0].trunks.outbound: must be at least 0, not -1',
    ],
    [
      'a key of trunks in the words of the database',
      account('trunks: { two_way: 1 }'),
      '4:15: accounts[0].trunks.two_way: unknown key "two_way", did you mean "twoWay"?',
    ],
    ['a pool without seconds', account('pools: [{ name: P }]'), '4:13: accounts[0].pools[0].seconds: is missing'],
    [
      'a pool of minutes',
      account('pools: [{ name: P, seconds: 1, minutes: 300 }]'),
      '4:36: accounts[0].pools[0].minutes: unknown key "minutes"',
    ],
    [
      'a policy nobody knows',
      account('pools: [{ name: P, seconds: 1, onExhausted: hangup }]'),
      '4:49: accounts[0].pools[0].onExhausted: must be one of finish_call, cut, spill, not "hangup"',
    ],
    [
      'a reset nobody knows',
      account('pools: [{ name: P, seconds: 1, resets: monthly }]'),
      '4:44: accounts[0].pools[0].resets: must be one of cycle, never, not "monthly"',
    ],
    [
      'a day as the end of a pool',
      account('pools: [{ name: P, seconds: 1, expiresAt: 2027-01-01 }]'),
      '4:47: accounts[0].pools[0].expiresAt: must be an instant such as 2027-01-01T00:00:00Z',
    ],
    [
      'a direction nobody knows',
      account('pools: [{ name: P, seconds: 1, scope: { directions: [out] } }]'),
      '4:58: accounts[0].pools[0].scope.directions[0]: must be one of outbound, inbound, not "out", did you mean "outbound"?',
    ],
    [
      'a prefix with letters',
      account('blockedPrefixes: [1900, 1-900]'),
      '4:29: accounts[0].blockedPrefixes[1]: must be 1 to 15 digits, with or without "+", not "1-900"',
    ],
    ['a limit below zero', account('maxCalls: -1'), '4:15: accounts[0].maxCalls: must be at least 0, not -1'],
    [
      'a price with a comma',
      account("maxPricePerMinute: '0,5'"),
      '4:24: accounts[0].maxPricePerMinute: must be a price such as "0.0125", not below zero, with at most 10 decimals, not "0,5"',
    ],
    ['a cap of nothing', account('spendCaps: { day: 0 }'), '4:23: accounts[0].spendCaps.day: must be above zero'],
    [
      'a recharge without its amount',
      account('recharge: { enabled: true, threshold: 5 }'),
      '4:15: accounts[0].recharge: must have either amount or targetBalance',
    ],
    [
      'storage in units of nothing',
      account('storageFee: { unitBytes: 0 }'),
      '4:30: accounts[0].storageFee.unitBytes: must be at least 1000, not 0',
    ],
    [
      'a recharge below the least purchase',
      account('recharge: { enabled: false, threshold: 1, amount: 4.99 }'),
      '4:55: accounts[0].recharge.amount: must be at least 5.00, the minimumPurchase of the settings',
    ],
    [
      'a threshold that is neither amount nor share',
      account('lowBalance: { threshold: 1, also: [120%] }'),
      '4:40: accounts[0].lowBalance.also[0]: must be an amount such as "12.50", or a share such as "20%", not "120%"',
    ],
    [
      'minutes that are few at neither seconds nor a share',
      account('pools: [{ name: P, seconds: 60, lowAt: [1.5] }]'),
      '4:45: accounts[0].pools[0].lowAt[0]: must be whole seconds such as 600, or a share such as "20%", not "1.5"',
    ],
    [
      'a contact without an address',
      account('contacts: [{ email: billing }]'),
      '4:25: accounts[0].contacts[0].email: must be an address such as billing@example.com, not "billing"',
    ],
    [
      'a language without texts',
      account('language: fr'),
      '4:15: accounts[0].language: must be one of en, de, not "fr"',
    ],
    ['a notice without its threshold', account('lowBalance: {}'), '4:17: accounts[0].lowBalance.threshold: is missing'],
    [
      'another policy than the two',
      account('onEngineError: allow'),
      '4:20: accounts[0].onEngineError: must be one of deny, allowCapped, not "allow", did you mean "allowCapped"?',
    ],
    [
      'no time at all',
      account('engineErrorSeconds: 0'),
      '4:25: accounts[0].engineErrorSeconds: must be at least 1, not 0',
    ],
    [
      'no calls at all',
      account('engineErrorCalls: 0'),
      '4:23: accounts[0].engineErrorCalls: must be at least 1, not 0',
    ],
    ['a list without its key', '- { id: a, name: A }\n', '1:1: must be keys with values, not a list'],
  ])('%s', async (_, text, problem) => {
    const files = { 'accounts.yaml': text, 'tariffs/standard.yaml': aTariff }
    expect(await problemsOf(files)).toEqual([`accounts.yaml:${problem}`])
  })

  it('a tree of six levels', async () => {
    const accounts = ['a', 'b', 'c', 'd', 'e', 'f'].map(
      (id, at, all) => `  - { id: ${id}, name: N${at > 0 ? `, parent: ${String(all[at - 1])}` : ''} }`,
    )
    expect(await problemsOf({ 'accounts.yaml': ['accounts:', ...accounts].join('\n') })).toEqual([
      'accounts.yaml:7:31: accounts[5].parent: makes it level 6 of its tree; there can be 5',
    ])
  })

  it('a tariff in another currency, named or by default', async () => {
    const files = { 'tariffs/standard.yaml': aTariff, 'accounts.yaml': account('currency: EUR') }
    const named = { ...files, 'accounts.yaml': account('currency: EUR\n    tariff: standard') }
    const message = 'tariff "standard" is in USD, the account in EUR'
    expect(await problemsOf(named)).toEqual([`accounts.yaml:5:13: accounts[0].tariff: ${message}`])
    expect(await problemsOf({ ...files, 'tollgate.yaml': 'defaults: { tariff: standard }\n' })).toEqual([
      `accounts.yaml:2:5: accounts[0].tariff: ${message}`,
    ])
  })
})

describe('trunks.yaml is refused with the place of', () => {
  const rule = (rest: string): string => `trunks:\n  - name: t\n    account: a\n    ${rest}\n`

  it.each<Case>([
    ['a rule without an account', 'trunks:\n  - name: t\n', '2:5: trunks[0].account: is missing'],
    ['a rule without a name', 'trunks:\n  - account: a\n', '2:5: trunks[0].name: is missing'],
    [
      'a host name',
      rule('sources: [10.0.0.1, pbx.example.com]'),
      '4:25: trunks[0].sources[1]: must be an IP address or a network such as 192.0.2.0/24, not "pbx.example.com"',
    ],
    [
      'a network too narrow',
      rule('sources: [10.0.0.0/33]'),
      '4:15: trunks[0].sources[0]: must have a prefix length of 0 to 32, not "10.0.0.0/33"',
    ],
    [
      'a network that begins in its middle',
      rule('sources: [10.0.0.5/8]'),
      '4:15: trunks[0].sources[0]: must begin a network of /8: that is 10.0.0.0/8, not "10.0.0.5/8"',
    ],
    ['no source', rule('sources: []'), '4:14: trunks[0].sources: must have at least 1 entries, not a list'],
    ['a source that is no list', rule('sources: 10.0.0.1'), '4:14: trunks[0].sources: must be a list, not "10.0.0.1"'],
    [
      'a pattern that is no beginning',
      rule('from: ["+1 415 ?"]'),
      '4:12: trunks[0].from[0]: must be the beginning of a number, such as "+1415", or a whole one',
    ],
    [
      'an empty DID',
      rule('to: [""]'),
      '4:10: trunks[0].to[0]: must be the beginning of a number, such as "+1415", or a whole one',
    ],
    [
      'a direction nobody knows',
      rule('direction: both'),
      '4:16: trunks[0].direction: must be one of outbound, inbound, not "both"',
    ],
    [
      'a key nobody knows',
      rule('source: [10.0.0.1]'),
      '4:5: trunks[0].source: unknown key "source", did you mean "sources"?',
    ],
    [
      'a trunk group that is not there',
      rule('group: carriers'),
      '4:12: trunks[0].group: there is no trunk group "carriers" in sip.groups',
    ],
  ])('%s', async (_, text, problem) => {
    expect(await problemsOf({ 'trunks.yaml': text })).toEqual([`trunks.yaml:${problem}`])
  })
})

describe('a folder', () => {
  it('tells the problems of all its files in one run, in the order of files and lines', async () => {
    const files = {
      'tollgate.yaml': 'partitions: 0\nhttp: { port: web }\n',
      'accounts.yaml': 'accounts: [{ id: a }]\n',
      'trunks.yaml': 'trunks: [{ name: t }]\n',
      'tariffs/a.yaml': 'currency: usd\nrates: []\n',
    }
    expect((await problemsOf(files)).map((problem) => problem.split(': ', 2).join(': '))).toEqual([
      'accounts.yaml:1:12: accounts[0].name',
      'tariffs/a.yaml:1:11: currency',
      'tariffs/a.yaml:2:8: rates',
      'tollgate.yaml:1:13: partitions',
      'tollgate.yaml:2:15: http.port',
      'trunks.yaml:1:10: trunks[0].account',
    ])
  })

  it('tells of a hundred problems and no more', async () => {
    const accounts = Array.from({ length: 150 }, (_, at) => `  - { id: a${String(at)} }`)
    const loaded = await loadCatalog(await aFolder({ 'accounts.yaml': ['accounts:', ...accounts].join('\n') }))
    expect(loaded).toMatchObject({ kind: 'invalid', truncated: true })
    expect(loaded.kind === 'invalid' && loaded.problems).toHaveLength(100)
  })
})
