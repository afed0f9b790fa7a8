/** The import rules: rules inward, inputs and outputs outward, and only the app joins them. */
const rulesFirst = '^src/(accounts|rating|ledger|trunks)/'
const useCases =
  '^src/(calls|subscriptions|payments|recharge|usage|exports|rerating|statements|storage-fee|events|notices|webhooks)/'
const base = '^src/base/'
const domain =
  '^src/(accounts|rating|ledger|trunks|calls|subscriptions|payments|recharge|usage|exports|rerating|statements|storage-fee|events|notices|webhooks)/'
const outer = '^src/(archive|catalog|store|decks|sheets|jobs|edges|observe)/'
const top = '^src/(app|main|cli)\\.ts$'
const packages = ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown', 'unknown']

const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

module.exports = {
  forbidden: [
    rule('no-cycles', 'modules that need each other are one module', {}, { circular: true }),
    rule('nothing-unresolved', 'an import leads somewhere', {}, { couldNotResolve: true }),
    rule(
      'no-dev-packages',
      'what runs is a dependency',
      { path: '^src/' },
      { dependencyTypes: ['npm-dev', 'npm-no-pkg'], dependencyTypesNot: ['type-only', 'npm'] },
    ),
    rule('base-stands-alone', 'base knows nobody', { path: base }, { path: '^src/', pathNot: base }),
    rule('domain-looks-inward', 'the domain has ports, not parts', { path: domain }, { path: [outer, top] }),
    rule(
      'domain-does-no-io',
      'decimal.js is the only package of the domain',
      { path: [domain, base] },
      { dependencyTypes: packages, pathNot: 'node_modules/decimal\\.js/' },
    ),
    rule('rules-before-use-cases', 'rules do not know who uses them', { path: rulesFirst }, { path: useCases }),
    rule(
      'rating-knows-no-balance',
      'a price is the same for rich and poor',
      { path: '^src/rating/' },
      { path: '^src/(accounts|ledger|trunks)/' },
    ),
    rule(
      'outer-parts-meet-in-the-app',
      'outer parts see the domain and observe, never each other',
      { path: outer },
      { path: [outer, top], pathNot: ['^src/$1/', '^src/observe/'] },
    ),
    rule(
      'only-the-app-builds',
      'main and cli get their parts from the app',
      { path: '^src/(main|cli)\\.ts$' },
      { path: '^src/(archive|store|jobs|edges)/' },
    ),
    rule(
      'source-knows-no-tests',
      'src stands without test and scripts',
      { path: '^src/' },
      { path: '^(test|scripts)/' },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
}
