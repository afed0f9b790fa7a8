/** The header of a script says what it takes and answers; here it is held to be true. */
import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readScript } from '../../src/store/scripts.ts'

const names = globSync('src/store/lua/*.lua').map((file) => file.replace(/^.*\/|\.lua$/g, ''))

/** The lines of one part of a header, up to where it speaks of each level or pool. */
function listed(header: string, part: 'KEYS' | 'ARGV'): readonly string[] {
  const [, rest = ''] = header.split(`\n  ${part}\n`)
  const [own = ''] = rest.split(/\n\n|\n {4}then for each|; then for each/)
  return [...own.matchAll(/^ {4}(\w+)/gm)].map(([, name = '']) => name)
}

function highest(code: string, table: 'KEYS' | 'ARGV'): number {
  return Math.max(0, ...[...code.matchAll(new RegExp(`${table}\\[(\\d+)\\]`, 'g'))].map(([, index]) => Number(index)))
}

describe.each(names)('%s.lua', (name) => {
  const text = readFileSync(`src/store/lua/${name}.lua`, 'utf8')
  const [header = ''] = /--\[\[.*?\]\]/s.exec(text) ?? []
  const code = text.replace(header, '')

  it('lists its keys and arguments in their order', () => {
    expect(header).toMatch(new RegExp(`^--\\[\\[\\n  ${name}: `))
    expect(listed(header, 'KEYS')).toHaveLength(highest(code, 'KEYS'))
    expect(listed(header, 'ARGV')).toHaveLength(highest(code, 'ARGV'))
  })

  it('names every answer that it gives, and what it keeps', () => {
    const answers = [...code.matchAll(/return \{ '(\w+)'(?:, '(\w+)')?/g)].flatMap(([, word = '', code = '']) => [
      word,
      code,
    ])
    const [returns = ''] = header.split('\n  RETURNS\n')[1]?.split('\n  KEEPS\n') ?? []
    for (const answer of answers.filter((answer) => answer !== '')) expect(returns).toContain(answer)
    expect(header).toContain('\n  KEEPS\n')
  })

  it('is loaded whole, and refuses nothing after its first write', () => {
    const { source } = readScript(name)
    expect(source).not.toContain('@include')
    const [, afterFirstWrite = ''] = code.split('-- Nothing is refused below this line')
    expect(afterFirstWrite).not.toMatch(/return \{ '(refused|unfit|changed|stale\w*|\w+_conflict)'/)
  })
})
