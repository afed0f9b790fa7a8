import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cliReference } from './reference.ts'

describe('the reference of commands', () => {
  it('is docs/cli.md', async () => {
    await expect(cliReference()).toMatchFileSnapshot(resolve(import.meta.dirname, '../../docs/cli.md'))
  })

  it('says what every word means', () => {
    const rows = cliReference()
      .split('\n')
      .filter((line) => line.startsWith('| `'))
    expect(rows.filter((row) => /\|\s*\|$/.test(row))).toEqual([])
    expect(rows.length).toBeGreaterThan(70)
  })
})
