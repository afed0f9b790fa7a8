/** A config folder of its own for a test, gone when the test is over. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { loadCatalog } from '../../src/catalog/load.ts'
import { formatProblem } from '../../src/catalog/problems.ts'
import type { ConfigSource } from '../../src/catalog/settings.ts'

export type Files = Readonly<Record<string, string>>

export interface Folder extends ConfigSource {
  /** Writes files of the config folder. */
  write(files: Files): Promise<void>
  remove(file: string): Promise<void>
  path(file: string): string
}

/** A working folder whose `config` holds the files; `env` is the whole environment. */
export async function aFolder(files: Files, env: Readonly<Record<string, string>> = {}): Promise<Folder> {
  const cwd = await mkdtemp(join(tmpdir(), 'tollgate-config-'))
  onTestFinished(async () => rm(cwd, { recursive: true, force: true }))
  const path = (file: string): string => join(cwd, 'config', file)
  const write = async (some: Files): Promise<void> => {
    for (const [file, text] of Object.entries(some)) {
      await mkdir(dirname(path(file)), { recursive: true })
      await writeFile(path(file), text)
    }
  }
  await write(files)
  return { env, cwd, path, write, remove: async (file) => rm(path(file)) }
}

/** Every problem of a folder as one line each; none when it loads. */
export async function problemsOf(files: Files, env: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  const loaded = await loadCatalog(await aFolder(files, env))
  return loaded.kind === 'invalid' ? loaded.problems.map(formatProblem) : []
}

export async function warningsOf(files: Files, env: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  const loaded = await loadCatalog(await aFolder(files, env))
  return loaded.kind === 'loaded' ? loaded.warnings.map(formatProblem) : ['invalid']
}

export const aTariff = 'currency: USD\nrates: [{ prefix: 1, perMinute: 0.02 }]\n'
