/** What is made from the schemas: `-u` writes it anew. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { jsonSchemas } from '../../src/catalog/json-schema.ts'
import { configReference } from '../../src/catalog/reference.ts'

const top = resolve(import.meta.dirname, '../..')

describe('the reference', () => {
  it('is docs/config.md', async () => {
    await expect(configReference()).toMatchFileSnapshot(resolve(top, 'docs/config.md'))
  })

  it('says what every key means', () => {
    const rows = configReference()
      .split('\n')
      .filter((line) => line.startsWith('| `'))
    expect(rows.filter((row) => /\|\s*\|$/.test(row))).toEqual([])
    expect(rows.length).toBeGreaterThan(100)
  })
})

describe('JSON Schemas', () => {
  it.each([...jsonSchemas()])('%s is the file in config/schema', async (name, text) => {
    await expect(text).toMatchFileSnapshot(resolve(top, 'config/schema', name))
  })

  it.each([
    ['tollgate.yaml', './schema/tollgate.json'],
    ['accounts.yaml', './schema/accounts.json'],
    ['trunks.yaml', './schema/trunks.json'],
    ['tariffs/standard.yaml', '../schema/tariff.json'],
    ['tariffs/wholesale.yaml', '../schema/tariff.json'],
  ])('are named at the top of %s', async (file, schema) => {
    const text = await readFile(resolve(top, 'config', file), 'utf8')
    expect(text.split('\n', 1)[0]).toBe(`# yaml-language-server: $schema=${schema}`)
  })

  it('say that what is read as text may stand without quotes', () => {
    const schema = JSON.parse(jsonSchemas().get('accounts.json') ?? '') as {
      properties: { accounts: { items: { properties: object } } }
    }
    expect(schema.properties.accounts.items.properties).toMatchObject({
      credit: { type: ['string', 'number'] },
      cycleDay: { type: 'integer', minimum: 1, maximum: 31, default: 1 },
    })
  })
})
