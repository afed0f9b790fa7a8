import { expect, it } from 'vitest'
import { markdown, type Run, withSections } from '../../scripts/bench/report.ts'

const sectionOf = (name: string, ratio: number) => ({
  title: `Of ${name}`,
  command: `npm run bench -- ${name}`,
  rows: [{ name: 'figure', value: ratio, unit: '/s' }],
  bars: [{ name: 'bar', ratio, atMost: 1 }],
  notes: [],
})

const runOf = (at: string, ...sections: Run['sections'][number][]): Run => ({ at, seconds: 1, machine: {}, sections })

it('some measures are written into the document in place of what was measured before, and the bars are counted anew', () => {
  const before = markdown(runOf('2026-11-01', sectionOf('http', 0.5), sectionOf('redis', 0.5)))
  const after = withSections(before, runOf('2026-11-02', sectionOf('http', 2), sectionOf('exports', 0.5)))
  expect(after.match(/^## .*$/gm)).toEqual(['## This run', '## Of http', '## Of redis', '## Of exports'])
  expect(after).toContain('`npm run bench -- http` (2026-11-02)')
  expect(after).toContain('2 bars met, 1 missed.')
  expect(withSections(after, runOf('2026-11-03', sectionOf('http', 0.5)))).toContain('3 bars met, 0 missed.')
})
