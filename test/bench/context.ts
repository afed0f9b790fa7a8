/** What a measure is given in a test, and what a test makes of its section. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { BenchContext, Section } from '../../scripts/bench/section.ts'
import type { AtEnd } from '../app/bench.ts'

export async function context(atEnd: AtEnd): Promise<BenchContext> {
  const folder = await mkdtemp(join(tmpdir(), 'tollgate-bench-'))
  atEnd(() => rm(folder, { recursive: true, force: true }))
  return { folder, seconds: 1, say: () => undefined }
}

/** By name; every one is a number. */
export function figures({ rows, bars }: Section): Readonly<Record<string, number>> {
  const named = [
    ...rows.map(({ name, value }) => [name, value] as const),
    ...bars.map((bar) => [bar.name, bar.ratio] as const),
  ]
  expect(named.filter(([, value]) => !Number.isFinite(value))).toEqual([])
  return Object.fromEntries(named)
}
