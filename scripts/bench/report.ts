/** A run as people read it: on a terminal, and as docs/benchmarks.md. */
import { cpus, release, totalmem } from 'node:os'
import { spawnSync } from 'node:child_process'
import type { Bar, Section } from './section.ts'

export interface Run {
  readonly at: string
  readonly seconds: number
  readonly machine: Readonly<Record<string, string>>
  readonly sections: readonly Section[]
}

export function isMet({ ratio, atLeast = -Infinity, atMost = Infinity }: Bar): boolean {
  return ratio >= atLeast && ratio <= atMost
}

/** What the figures depend on. */
export function machineFacts(): Readonly<Record<string, string>> {
  const [cpu] = cpus()
  const said = (command: string, ...args: string[]): string =>
    spawnSync(command, args, { encoding: 'utf8' }).stdout.split('\n')[0] ?? ''
  return {
    processor: `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    system: `Linux ${release()}`,
    node: process.version,
    redis: said('redis-server', '--version').replace(/ sha=.*/, ''),
  }
}

/** Four figures that count are enough to compare by. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en')
  return String(Number(value.toPrecision(4)))
}

function wanted({ atLeast, atMost }: Bar): string {
  return [atLeast === undefined ? '' : `≥ ${atLeast}`, atMost === undefined ? '' : `≤ ${atMost}`]
    .filter((text) => text !== '')
    .join(', ')
}

export function terminalText({ title, rows, bars }: Section): string {
  const width = Math.max(...[...rows, ...bars].map(({ name }) => name.length))
  const lines = rows.map(({ name, value, unit }) => `  ${name.padEnd(width)}  ${figure(value).padStart(9)} ${unit}`)
  const judged = bars.map(
    (bar) =>
      `  ${bar.name.padEnd(width)}  ${figure(bar.ratio).padStart(9)} ${isMet(bar) ? 'met' : 'MISSED'} (${wanted(bar)})`,
  )
  return [title, ...lines, ...judged, ''].join('\n')
}

const HEAD = `# Benchmarks

Written by \`npm run bench -- --write\`. Every bar is a ratio of two figures of one run on one machine, as only those can be
compared with what you measure on yours. A bar that is missed says so; why is under its section.

| | |
|---|---|
| \`npm run bench\` | everything (about half an hour; \`usage\` needs 35 GB where temporary files go) |
| \`npm run bench -- http tariffs\` | only these |
| \`--seconds 10\` | how long each case is measured |
| \`--calls 100000\` | how many calls are exported |
| \`--json FILE\` | where the figures go |
| \`--write\` | this document is written; of some measures only their sections |
| \`--strict\` | exit 1 when a bar is missed |

CPU is of the process, user and system, from \`/proc\` and from Redis's own \`INFO cpu\` (main thread). Cases that are compared are
run in turns, and the median of the turns stands.
`

export function markdown({ at, seconds, machine, sections }: Run): string {
  const facts = Object.entries(machine).map(([name, value]) => `| ${name} | ${value} |`)
  const missed = sections.flatMap(({ bars }) => bars.filter((bar) => !isMet(bar)))
  return [
    HEAD,
    '## This run',
    '',
    `${at}, ${seconds} s a case.`,
    '',
    '| | |',
    '|---|---|',
    ...facts,
    '',
    `${sections.flatMap(({ bars }) => bars).length - missed.length} bars met, ${missed.length} missed.`,
    '',
    ...sections.flatMap(sectionMarkdown),
  ].join('\n')
}

/** The document with the sections of a run put in, each where the one of the same command was, and when it was measured. */
export function withSections(document: string, { at, sections }: Run): string {
  const parts = document.trimEnd().split(/\n(?=## )/)
  for (const section of sections) {
    const command = `\`${section.command}\``
    const text = sectionMarkdown(section).join('\n').replace(command, `${command} (${at})`)
    const place = parts.findIndex((part) => part.startsWith('## ') && part.includes(command))
    parts.splice(place < 0 ? parts.length : place, place < 0 ? 0 : 1, text)
  }
  const merged = `${parts.map((part) => part.trimEnd()).join('\n\n')}\n`
  const [met, missed] = [/\| met +\|$/gm, /\| \*\*missed\*\* +\|$/gm].map((bar) => merged.match(bar)?.length ?? 0)
  return merged.replace(/^\d+ bars met, \d+ missed\.$/m, `${met} bars met, ${missed} missed.`)
}

function sectionMarkdown({ title, command, rows, bars, notes }: Section): readonly string[] {
  const judged = bars.map(
    (bar) => `| ${bar.name} | ${figure(bar.ratio)} | ${wanted(bar)} | ${isMet(bar) ? 'met' : '**missed**'} |`,
  )
  return [
    `## ${title}`,
    '',
    `\`${command}\``,
    '',
    '| | | |',
    '|---|--:|---|',
    ...rows.map(({ name, value, unit }) => `| ${name} | ${figure(value)} | ${unit} |`),
    '',
    ...(judged.length > 0 ? ['| bar | ratio | wanted | |', '|---|--:|---|---|', ...judged, ''] : []),
    ...notes.map((note) => `- ${note}`),
    ...(notes.length > 0 ? [''] : []),
  ]
}
