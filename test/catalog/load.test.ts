import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadCatalog, type Catalog } from '../../src/catalog/load.ts'
import { formatProblem } from '../../src/catalog/problems.ts'
import { identify } from '../../src/trunks/identify.ts'
import { aFolder, aTariff, type Files, warningsOf } from './a-folder.ts'

async function loaded(files: Files): Promise<Catalog> {
  const result = await loadCatalog(await aFolder(files))
  if (result.kind === 'invalid') throw new TypeError(result.problems.map(formatProblem).join('\n'))
  return result.catalog
}

describe('the example configuration', () => {
  it('loads without a problem or a warning', async () => {
    const result = await loadCatalog({ env: {}, cwd: resolve(import.meta.dirname, '../..') })
    expect(result).toMatchObject({ kind: 'loaded', warnings: [] })
    if (result.kind !== 'loaded') return
    const { accounts, tariffs, settings, trunkRules } = result.catalog
    expect(accounts.map(({ id, parent, credit }) => [id, parent, credit])).toEqual([
      ['platform', undefined, '1000.00'],
      ['demo', undefined, '0.02'],
      ['acme', 'platform', '10.00'],
      ['shop', 'platform', '0'],
    ])
    expect([...tariffs.keys()]).toEqual(['standard', 'wholesale'])
    expect(settings.emergency.numbers).toEqual(['911', '112', '999'])
    expect(settings.edges['kam1']).toMatchObject({ kind: 'kamailio', rpcUrl: 'http://127.0.0.1:8060/RPC' })
    expect(identify(trunkRules, { source: '127.0.0.1', from: '1001', to: '+442079460958' })?.account).toBe('demo')
    expect(identify(trunkRules, { trunk: 'shop-softphone', direction: 'outbound' })?.account).toBe('shop')
  })

  it('has a wholesale price for every call that the accounts below the platform can make', async () => {
    const result = await loadCatalog({ env: {}, cwd: resolve(import.meta.dirname, '../..') })
    if (result.kind !== 'loaded') throw new TypeError('the example loads')
    const [standard, wholesale] = ['standard', 'wholesale'].map((name) => result.catalog.tariffs.get(name)?.rows ?? [])
    const prefixes = wholesale?.map(({ prefix }) => prefix) ?? []
    const without = standard?.filter(
      ({ prefix, blocked }) => !blocked && !prefixes.some((one) => prefix.startsWith(one)),
    )
    expect(without).toEqual([])
  })
})

describe('a folder', () => {
  it('may be empty or absent', async () => {
    const { accounts, tariffs, trunkRules } = await loaded({})
    expect([accounts, tariffs.size, trunkRules]).toEqual([[], 0, []])
  })

  it('gives accounts the currency and zone of their parents, else the defaults', async () => {
    const { accounts } = await loaded({
      'tollgate.yaml': 'defaults: { currency: EUR, timezone: Europe/Berlin }\n',
      'accounts.yaml':
        'accounts:\n  - { id: a, name: A }\n  - { id: b, name: B, currency: GBP, timezone: Europe/London }\n' +
        '  - { id: c, name: C, parent: b }\n  - { id: d, name: D, parent: c, timezone: Europe/Paris }\n',
    })
    expect(accounts.map(({ id, currency, timezone }) => `${id} ${currency} ${timezone}`)).toEqual([
      'a EUR Europe/Berlin',
      'b GBP Europe/London',
      'c GBP Europe/London',
      'd GBP Europe/Paris',
    ])
  })

  it('keeps amounts and prefixes as they are written', async () => {
    const { accounts } = await loaded({
      'accounts.yaml': 'accounts: [{ id: "007", name: Bond, credit: 0010.50, blockedPrefixes: [00882, +883] }]\n',
    })
    expect(accounts[0]).toMatchObject({ id: '007', credit: '0010.50', blockedPrefixes: ['00882', '+883'] })
  })

  it.each<readonly [what: string, files: Files, warnings: readonly string[]]>([
    [
      'a payer that is not in accounts.yaml',
      {
        'accounts.yaml': 'accounts: [{ id: acme, name: A }]\n',
        'trunks.yaml': 'trunks: [{ name: t, account: amce }]\n',
      },
      ['trunks.yaml:1:30: trunks[0].account: account "amce" is not in accounts.yaml, did you mean "acme"?'],
    ],
    [
      'a payer of the socket that is not there',
      { 'tollgate.yaml': 'callControl: { account: acme }\n' },
      ['tollgate.yaml:1:25: callControl.account: account "acme" is not in accounts.yaml'],
    ],
    [
      'a file that nothing reads',
      { 'account.yaml': '', 'accounts.yml': '' },
      [
        'account.yaml: nothing reads this file, did you mean "accounts.yaml"?',
        'accounts.yml: nothing reads this file, did you mean "accounts.yaml"?',
      ],
    ],
    [
      'files among the tariffs that nothing reads',
      { 'tariffs/t.yaml': aTariff, 'tariffs/t.csv': '', 'tariffs/t.xlsx': '' },
      [
        'tariffs/t.csv: nothing reads this file; no tariff names it in `rates`',
        'tariffs/t.xlsx: nothing reads this file; tariffs are .yaml and .csv files',
      ],
    ],
    [
      'nothing else',
      { 'README.md': '', 'schema/tollgate.json': '{}', '.tollgate.yaml.swp': '', 'kamailio/http/kamailio.cfg': '' },
      [],
    ],
  ])('is warned of %s', async (_, files, warnings) => {
    expect(await warningsOf(files)).toEqual(warnings)
  })

  it('with a file that is a folder is refused', async () => {
    const result = await loadCatalog(await aFolder({ 'trunks.yaml/oops': '', 'tariffs/t.yaml/oops': '' }))
    expect(result.kind === 'invalid' && result.problems.map(formatProblem)).toEqual([
      'tariffs/t.yaml: the file cannot be read (EISDIR)',
      'trunks.yaml: the file cannot be read (EISDIR)',
    ])
  })
})
