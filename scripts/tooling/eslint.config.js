import js from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

const readsTheMachine = ['src/catalog/settings.ts', 'src/main.ts', 'src/cli.ts', 'src/app.ts']
const domain = [
  'base',
  'accounts',
  'events',
  'rating',
  'ledger',
  'trunks',
  'calls',
  'subscriptions',
  'payments',
  'recharge',
  'usage',
]

const size = { skipBlankLines: true, skipComments: true }

const defaultExports = ['ExportDefaultDeclaration', 'ExportSpecifier[exported.name="default"]'].map((selector) => ({
  selector,
  message: 'Export by name.',
}))
const topLevelState = ['Program > VariableDeclaration', 'Program > ExportNamedDeclaration > VariableDeclaration'].map(
  (declaration) => ({
    selector: `${declaration}[kind!="const"]`,
    message: 'No module has state at its top level: keep it in what the app builds.',
  }),
)
const machineTime = ['NewExpression[callee.name="Date"][arguments.length=0]', 'CallExpression[callee.name="Date"]'].map(
  (selector) => ({ selector, message: 'Take a Clock as an argument: clock.nowMs().' }),
)

export default defineConfig([
  globalIgnores(['dist/', 'data/', 'coverage/', '.cache/']),
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: new URL('../..', import.meta.url).pathname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      // Protocol bytes are matched on purpose.
      'no-control-regex': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        {
          argsIgnorePattern: '^_',
          varsIgnorePattern: '^_',
          destructuredArrayIgnorePattern: '^_',
          ignoreRestSiblings: true,
        },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/unbound-method': ['error', { ignoreStatic: true }],
      // Telephone numbers and codes are spread into their digits.
      '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
      // A form of a port is async because the port is; these find style, not mistakes.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/unified-signatures': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 300, ...size }],
      'max-lines-per-function': ['error', { max: 60, ...size }],
      'max-params': ['error', 3],
      // A switch counts as one: switch-exhaustiveness-check looks after its cases.
      complexity: ['error', { max: 10, variant: 'modified' }],
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...defaultExports, ...topLevelState, ...machineTime],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Take a Clock as an argument: clock.nowMs().' },
        { object: 'Math', property: 'random', message: 'Take the id or the number as an argument.' },
        { object: 'process', property: 'env', message: 'Only catalog/settings.ts reads the environment.' },
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'node:process', importNames: ['env'], message: 'Only catalog/settings.ts reads the environment.' },
          ],
        },
      ],
    },
  },
  {
    files: domain.map((folder) => `src/${folder}/**/*.ts`),
    rules: {
      'no-restricted-globals': [
        'error',
        ...['process', 'performance', 'crypto', 'fetch', 'setTimeout', 'setInterval', 'setImmediate'].map((name) => ({
          name,
          message: 'The domain answers; it gets the time, an id and the catalogue as arguments.',
        })),
      ],
    },
  },
  {
    files: readsTheMachine,
    rules: {
      'no-restricted-properties': 'off',
      'no-restricted-imports': 'off',
      'no-restricted-syntax': ['error', ...defaultExports, ...topLevelState],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 600, ...size }],
      'no-restricted-syntax': ['error', ...defaultExports],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
  { files: ['**/*.{js,cjs}'], extends: [tseslint.configs.disableTypeChecked] },
  {
    files: ['**/*.cjs'],
    languageOptions: { sourceType: 'commonjs', globals: { module: 'writable', require: 'readonly' } },
  },
  { files: ['**/*.js'], languageOptions: { globals: { URL: 'readonly', process: 'readonly', console: 'readonly' } } },
])
