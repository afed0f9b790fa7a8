/**
 * Runs luacheck on every script of the ledger as Redis gets it, with its includes pasted in, and reports each warning
 * at the line where it was written. A function of a lib need not be used by every script, but by one.
 */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'

interface Line {
  readonly text: string
  readonly file: string
  readonly number: number
}

interface Warning {
  readonly at: string
  readonly unusedInLib: boolean
}

const FOLDER = 'src/store/lua'
const INCLUDE = /^--- @include (\w+)$/
const GLOBALS = ['redis', 'KEYS', 'ARGV', 'cjson', 'cmsgpack', 'struct', 'bit']
const OPTIONS = ['--std', 'lua51', '--no-max-line-length', '--no-color', '--formatter', 'plain', '--codes']
const WARNING = /^script:(\d+):(\d+): (.*)$/
const UNUSED = /\(W2(?:11|21|31|41)\)/

function readLines(file: string): Line[] {
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((text, index) => ({ text, file, number: index + 1 }))
}

function paste(file: string): Line[] {
  return readLines(file).flatMap((line) => {
    const noun = INCLUDE.exec(line.text)?.[1]
    if (noun !== undefined) return readLines(`${FOLDER}/lib/${noun}.lua`)
    return line.number === 1 && line.text.startsWith('#!lua') ? [{ ...line, text: '' }] : [line]
  })
}

function luacheck(lines: readonly Line[]): Warning[] {
  const run = spawnSync('luacheck', [...OPTIONS, '--filename', 'script', '--read-globals', ...GLOBALS, '--', '-'], {
    input: lines.map(({ text }) => text).join('\n') + '\n',
    encoding: 'utf8',
  })
  if (run.error) throw run.error
  const output = run.stdout.trim()
  if (run.status === 0 && output === '') return []
  if (run.status === null || run.status > 2 || output === '') throw new Error(`luacheck failed: ${run.stderr}${output}`)
  return output.split('\n').map((text) => {
    const [, row = '', column = '', message = text] = WARNING.exec(text) ?? []
    const line = lines[Number(row) - 1]
    if (!line) return { at: text, unusedInLib: false }
    return {
      at: `${line.file}:${line.number}:${column}: ${message}`,
      unusedInLib: UNUSED.test(message) && line.file.startsWith(`${FOLDER}/lib/`),
    }
  })
}

const scripts = globSync(`${FOLDER}/*.lua`).sort()
const libs = globSync(`${FOLDER}/lib/*.lua`).sort()
const pasted = scripts.map(paste)
const warnings = pasted.map(luacheck)

const found = new Set(warnings.flat().flatMap(({ at, unusedInLib }) => (unusedInLib ? [] : [at])))
for (const lib of libs) {
  const users = pasted.flatMap((lines, index) => (lines.some(({ file }) => file === lib) ? [index] : []))
  if (users.length === 0) found.add(`${lib}: no script includes it`)
  for (const line of readLines(lib)) {
    if (INCLUDE.test(line.text)) found.add(`${lib}:${line.number}: a lib includes no other lib`)
  }
  const unused = users.map(
    (index) => new Set(warnings[index]?.flatMap(({ at, unusedInLib }) => (unusedInLib ? [at] : []))),
  )
  const [first, ...others] = unused
  for (const at of first ?? []) {
    if (at.startsWith(`${lib}:`) && others.every((other) => other.has(at))) found.add(at)
  }
}

for (const at of found) console.error(at)
console.error(`${scripts.length} scripts, ${libs.length} libs, ${found.size} warnings`)
process.exitCode = found.size > 0 ? 1 : 0
