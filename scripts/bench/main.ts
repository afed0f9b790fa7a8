/** npm run bench: measures, prints, and writes what was measured. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { measures } from './measures.ts'
import { isMet, machineFacts, markdown, type Run, terminalText, withSections } from './report.ts'
import type { Section } from './section.ts'

const DOCS = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url))

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '4' },
    calls: { type: 'string' },
    json: { type: 'string', default: join(tmpdir(), 'tollgate-bench.json') },
    write: { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
  },
})

const seconds = Number(values.seconds)
const calls = values.calls === undefined ? undefined : Number(values.calls)
const names = positionals.length > 0 ? positionals : Object.keys(measures)
const unknown = names.filter((name) => !(name in measures))
if (unknown.length > 0 || !(seconds > 0) || (calls !== undefined && !(Number.isInteger(calls) && calls > 0))) {
  const why =
    unknown.length > 0
      ? `no measure is called ${unknown.join(', ')}`
      : `--seconds ${values.seconds} is no length, or --calls ${values.calls ?? ''} no number`
  process.stderr.write(`bench: ${why}. There are: ${Object.keys(measures).join(', ')}\n`)
  process.exit(2)
}

const sections: Section[] = []
for (const name of names) {
  const folder = await mkdtemp(join(tmpdir(), `tollgate-bench-${name}-`))
  try {
    const section = await measures[name]?.({
      folder,
      seconds,
      ...(calls === undefined ? {} : { calls }),
      say: (line) => process.stderr.write(`${name}: ${line}\n`),
    })
    if (!section) continue
    sections.push(section)
    process.stdout.write(`${terminalText(section)}\n`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
const run: Run = { at: new Date(Date.now()).toISOString().slice(0, 10), seconds, machine: machineFacts(), sections }
await writeFile(values.json, `${JSON.stringify(run, undefined, 2)}\n`)
process.stdout.write(`written to ${values.json}\n`)
if (values.write) {
  const text = positionals.length > 0 ? withSections(await readFile(DOCS, 'utf8'), run) : markdown(run)
  await writeFile(DOCS, text)
}
const missed = sections.flatMap(({ bars }) => bars.filter((bar) => !isMet(bar)))
process.stdout.write(
  `${missed.length === 0 ? 'every bar is met' : `${missed.length} bars are missed: ${missed.map(({ name }) => name).join('; ')}`}\n`,
)
process.exit(values.strict && missed.length > 0 ? 1 : 0)
