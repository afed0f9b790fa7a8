/** docs/config.md: every key of every config file, from the schemas that check them. */
import { z } from 'zod'
import { accountsFileSchema } from './account-schema.ts'
import { CONFIG_DIR_VARIABLE, namedVariables } from './overrides.ts'
import { bare, childOf, defaultOf, literals, notesOf, type Schema } from './schema-walk.ts'
import { settingsFileSchema } from './settings-schema.ts'
import { csvColumns, rateSchema, tariffFileSchema } from './tariff-schema.ts'
import { trunksFileSchema } from './trunk-schema.ts'

/** The whole text of docs/config.md. */
export function configReference(): string {
  const parts = [
    INTRODUCTION,
    '## Settings: `tollgate.yaml`',
    'Keys marked "restart" are read once, when the daemon starts; a reload leaves them as they were and names them.',
    table(SETTING_TITLES, settingRows()),
    '### Environment',
    ENVIRONMENT,
    table(['variable', 'setting'], variableRows()),
    '## Trunk rules: `trunks.yaml`',
    TRUNKS,
    table(TITLES, rowsOf(trunksFileSchema)),
    '## Accounts: `accounts.yaml`',
    ACCOUNTS,
    table(TITLES, rowsOf(accountsFileSchema)),
    '## Tariffs: `tariffs/<name>.yaml`',
    TARIFFS,
    table(TITLES, rowsOf(tariffFileSchema)),
    '### Columns of a CSV file of rates',
    CSV,
    table(['column', 'type', 'meaning'], csvRows()),
  ]
  return `${parts.join('\n\n')}\n`
}

const INTRODUCTION = `# Configuration

<!-- Made from the schemas in src/catalog; \`vitest run test/catalog -u\` writes it anew. -->

The config folder (\`TOLLGATE_CONFIG_DIR\`, else \`./config\`) may hold \`tollgate.yaml\`, \`trunks.yaml\`, \`accounts.yaml\` and
\`tariffs/*.yaml\`; each may be absent. The files are YAML 1.2. They are checked whole: unknown keys are refused, names of
accounts and tariffs are followed, and all problems are told with file, line and column. A reload puts a good folder in
force in one step; a bad one changes nothing.

Numbers, prices and prefixes need no quotes: \`perMinute: 0.0200\` is read as that text and never as a fraction of a
computer. A key with nothing after it is as good as absent. JSON Schemas for editors are in \`config/schema\`.`

const ENVIRONMENT = `Defaults come first, then \`tollgate.yaml\`, then the environment. Every setting has a variable: \`TOLLGATE__\` and
the keys on the way to it, with \`__\` between them. Capitals do not matter and \`_\` may stand between words:
\`TOLLGATE__CALLS__SLICE_SECONDS=30\`. Lists are separated by commas; whole branches may be given as \`{a: b}\`. With \`_FILE\`
at its end a variable names a file that holds the value, for secrets. An empty variable is as good as absent. Some
settings have a shorter name too:`

const TRUNKS = `Calls that do not name their account are traced to one by these rules. They are asked in their order and the first
whose conditions all fit decides; a list fits when one of its entries does. An edge may name the trunk: then only rules
of that name are asked, and conditions on what the call does not say are passed over. A rule without \`sources\`, \`from\`
and \`to\` is only for calls that name the trunk.`

const ACCOUNTS = `An account is created when the daemon first sees it here, with its trunks, pools and opening credit. After that it is
changed by the API or the command line only. What an account does not say it takes from \`defaults\` in the settings.`

const TARIFFS = `A tariff becomes a new version when its content changes; calls in progress keep the version they began with.`

const CSV = `The first line names the columns, in any order; \`prefix\` and \`per_minute\` must be there. The delimiter is a comma,
semicolon, tab or bar, whichever the first line has. An empty cell is as good as absent, an empty line is left out.`

const TITLES = ['key', 'type', 'default', 'meaning'] as const
const SETTING_TITLES = ['key', 'type', 'default', 'restart', 'meaning'] as const

interface Row {
  readonly key: string
  readonly schema: Schema
  readonly restart: boolean
}

/** Every key below a schema; "[]" stands for any entry of a list, "<name>" for any key of a map. */
function keysBelow(schema: Schema, above: string, restart: boolean): readonly Row[] {
  const inner = bare(schema)
  if (inner instanceof z.ZodObject) return keysOfObject(inner, above, restart)
  if (inner instanceof z.ZodArray) return keysBelow(inner.element, `${above}[]`, restart)
  if (inner instanceof z.ZodRecord) return keysBelow(inner.valueType, `${above}.${keyName(inner)}`, restart)
  if (inner instanceof z.ZodDiscriminatedUnion) {
    const kind = inner.def.discriminator
    return inner.options.flatMap((option) =>
      keysBelow(option, `${above} (${literals(childOf(option, kind)).join()})`, restart),
    )
  }
  return inner instanceof z.ZodUnion ? inner.options.flatMap((option) => keysBelow(option, above, restart)) : []
}

function keyName(record: z.ZodRecord): string {
  return bare(record.keyType) instanceof z.ZodEnum ? '<code>' : `<${notesOf(record.keyType).what ?? 'key'}>`
}

function keysOfObject(object: z.ZodObject, above: string, restart: boolean): readonly Row[] {
  return Object.entries(object.shape).flatMap(([name, schema]: [string, Schema]) => {
    const row = {
      key: above === '' ? name : `${above}.${name}`,
      schema,
      restart: restart || notesOf(schema).restart === true,
    }
    return [row, ...keysBelow(schema, row.key, row.restart)]
  })
}

function rowsOf(schema: Schema): readonly (readonly string[])[] {
  return keysBelow(schema, '', false).map((row) => [...cells(row), meaning(row.schema)])
}

function settingRows(): readonly (readonly string[])[] {
  return keysBelow(settingsFileSchema, '', false).map((row) => {
    return [...cells(row), row.restart ? 'yes' : '', meaning(row.schema)]
  })
}

function cells({ key, schema }: Row): readonly [string, string, string] {
  return [code(key), typeOf(schema), defaultText(schema)]
}

function meaning(schema: Schema): string {
  return notesOf(schema).description ?? ''
}

function variableRows(): readonly (readonly string[])[] {
  const named = Object.entries(namedVariables).map(([variable, path]) => [code(variable), code(path.join('.'))])
  return [[code(CONFIG_DIR_VARIABLE), 'the config folder'], ...named]
}

function csvRows(): readonly (readonly string[])[] {
  return Object.entries(csvColumns).map(([column, field]) => {
    const schema = rateSchema.shape[field]
    return [code(column), typeOf(schema), meaning(schema)]
  })
}

function typeOf(schema: Schema): string {
  const { what } = notesOf(schema)
  const inner = bare(schema)
  if (what !== undefined) return what
  if (inner instanceof z.ZodArray) return `list: ${typeOf(inner.element)}`
  if (inner instanceof z.ZodNumber) return numberType(inner)
  if (inner instanceof z.ZodBoolean) return 'true or false'
  if (literals(inner).length > 0) return literals(inner).map(code).join(', ')
  if (inner instanceof z.ZodDiscriminatedUnion) return 'keys'
  if (inner instanceof z.ZodUnion) return inner.options.map(typeOf).join(', or ')
  return inner instanceof z.ZodString || inner instanceof z.ZodURL ? 'text' : 'keys'
}

function numberType(schema: z.ZodNumber): string {
  const { minValue, maxValue } = schema
  return `${minValue ?? ''} to ${maxValue ?? ''}`
}

function defaultText(schema: Schema): string {
  const value = defaultOf(schema)
  if (value === undefined) return schema instanceof z.ZodOptional || isOptional(schema) ? '' : 'required'
  if (typeof value !== 'object' || value === null) return code(JSON.stringify(value).replaceAll('"', ''))
  const entries: readonly unknown[] = Array.isArray(value) ? value : Object.keys(value)
  // What an entry of keys is by default is said by its keys.
  const told = entries.filter((entry) => typeof entry === 'string' || typeof entry === 'number')
  return told.map((entry) => code(String(entry))).join(', ')
}

function isOptional(schema: Schema): boolean {
  return z.safeParse(schema, undefined).success
}

function code(text: string): string {
  return `\`${text}\``
}

/** A table with columns of one width, as formatters of Markdown leave them. */
function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [titles, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = titles.map((_, at) => Math.max(3, ...all.map((row) => row[at]?.length ?? 0)))
  const lines = all.map((row) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`)
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [lines[0], rule, ...lines.slice(1)].join('\n')
}
