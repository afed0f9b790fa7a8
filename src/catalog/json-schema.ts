/** JSON Schemas of the config files, for completion and checks in editors; kept in config/schema. */
import { z } from 'zod'
import { accountsFileSchema } from './account-schema.ts'
import { settingsFileSchema } from './settings-schema.ts'
import { tariffFileSchema } from './tariff-schema.ts'
import { trunksFileSchema } from './trunk-schema.ts'

/** File name in config/schema to the text of the schema. */
export function jsonSchemas(): ReadonlyMap<string, string> {
  return new Map([
    ['tollgate.json', schemaText('Settings of tollgate', settingsFileSchema)],
    ['accounts.json', schemaText('Accounts of tollgate', accountsFileSchema)],
    ['trunks.json', schemaText('Trunk rules of tollgate', trunksFileSchema)],
    ['tariff.json', schemaText('A tariff of tollgate', tariffFileSchema)],
  ])
}

function schemaText(title: string, schema: z.ZodType): string {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      tidy(jsonSchema)
    },
  })
  return `${formatJson({ $schema, title, ...rest })}\n`
}

/** Our own notes are no part of JSON Schema, and numbers that are read as text may stand without quotes. */
function tidy(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.numeric === true) schema.type = ['string', 'number'] as unknown as 'string'
  delete schema.numeric
  delete schema.secret
  delete schema.restart
  delete schema.what
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum
  if (typeof schema.default === 'object' && Object.keys(schema.default ?? {}).length === 0) delete schema.default
}

const WIDTH = 120

/** As the formatter of the repository writes JSON: what fits on a line is a list on one line; keys have lines of their own. */
function formatJson(value: unknown, indent = '', used = 0): string {
  const inner = `${indent}  `
  if (Array.isArray(value)) {
    const plain = value.every((entry) => typeof entry !== 'object')
    const line = `[${value.map((entry) => JSON.stringify(entry)).join(', ')}]`
    if (plain && indent.length + used + line.length < WIDTH) return line
    return `[\n${value.map((entry) => inner + formatJson(entry, inner)).join(',\n')}\n${indent}]`
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined)
  if (entries.length === 0) return '{}'
  const lines = entries.map(
    ([key, entry]) => `${inner}${JSON.stringify(key)}: ${formatJson(entry, inner, key.length + 5)}`,
  )
  return `{\n${lines.join(',\n')}\n${indent}}`
}
