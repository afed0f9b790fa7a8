import { readFile } from 'node:fs/promises'
import { beforeAll, expect, it } from 'vitest'
import { scopes } from '../../../src/accounts/api-keys.ts'
import { refusalCodes } from '../../../src/base/outcome.ts'
import { fieldCodes, problemKinds } from '../../../src/edges/http/problem-codes.ts'
import { sipReplies } from '../../../src/edges/http/sip-replies.ts'

let codes: string
let guide: string
beforeAll(async () => {
  codes = await readFile(new URL('../../../docs/codes.md', import.meta.url), 'utf8')
  guide = await readFile(new URL('../../../docs/api.md', import.meta.url), 'utf8')
})

/** The rows of the table under a heading, a list of cells each. */
function rows(heading: string): string[][] {
  const [, section = ''] = codes.split(`## ${heading}\n`)
  const lines = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| `'))
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

it('docs/codes.md lists every refusal in order of precedence, with its SIP answer', () => {
  const listed = rows('Refused calls').map(([code, status, reason]) => [code, status, reason])
  const known = refusalCodes.map((code) => [`\`${code}\``, String(sipReplies[code].status), sipReplies[code].reason])
  expect(listed).toEqual(known)
})

it('docs/codes.md lists every problem with its status, by status', () => {
  const listed = rows('Problems').map(([code, status]) => [code, status])
  const known = Object.entries(problemKinds).map(([code, { status }]) => [`\`${code}\``, String(status)])
  expect(listed.toSorted()).toEqual(known.toSorted())
  expect(listed.map(([, status]) => status)).toEqual(listed.map(([, status]) => status).toSorted())
})

it('docs/codes.md says when, of each', () => {
  for (const row of [...rows('Refused calls'), ...rows('Problems')]) expect(row.at(-1)).toMatch(/\w{2} .*\w/)
})

it('docs/codes.md lists every code of a field', () => {
  expect(rows('Fields').map(([code]) => code)).toEqual(fieldCodes.map((code) => `\`${code}\``))
})

it('problems have statuses that say whose fault it is', () => {
  for (const { status, title } of Object.values(problemKinds)) {
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(504)
    expect(title).toMatch(/^[A-Z].*[^.]$/)
  }
})

it('docs/api.md names every scope', () => {
  const table = guide
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .join('\n')
  expect([...table.matchAll(/`([a-z]+:[a-z]+)`/g)].map(([, scope]) => scope).toSorted()).toEqual(scopes.toSorted())
})
