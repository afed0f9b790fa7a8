/** The config folder: which files it may have, and what is there beside them. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConfigProblem } from './problems.ts'
import { didYouMean } from './suggest.ts'
import { Places, readYaml, type YamlRead } from './yaml-file.ts'

export const SETTINGS_FILE = 'tollgate.yaml'
export const ACCOUNTS_FILE = 'accounts.yaml'
export const TRUNKS_FILE = 'trunks.yaml'
const TARIFFS_FOLDER = 'tariffs'

const KNOWN = [SETTINGS_FILE, ACCOUNTS_FILE, TRUNKS_FILE, TARIFFS_FOLDER]

/** The code of a file that cannot be read; undefined when the error is about something else. */
export function fileErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : undefined
}

export function unreadable(file: string, code: string): ConfigProblem {
  return { file, line: 0, column: 0, path: '', message: `the file cannot be read (${code})` }
}

/** A file of the config folder; an empty document when there is none. */
export async function readIfThere(configDir: string, file: string): Promise<YamlRead> {
  try {
    const text = await readFile(join(configDir, file), 'utf8')
    return text === '' ? { kind: 'invalid', problems: [notWritten(file)] } : readYaml(file, text)
  } catch (error) {
    const code = fileErrorCode(error)
    if (code === undefined) throw error
    if (code === 'ENOENT') return { kind: 'read', document: { file, value: {}, places: new Places(file) } }
    return { kind: 'invalid', problems: [unreadable(file, code)] }
  }
}

/** An editor that writes in place empties the file first. Taken as it is then, it would set everything to its default. */
function notWritten(file: string): ConfigProblem {
  return { file, line: 0, column: 0, path: '', message: 'the file is empty; remove it if nothing is to be in it' }
}

/** Size and time of change of every file that is read: another text when one was written in the meantime. */
export async function stateOf(configDir: string): Promise<string> {
  const inTariffs = await namesIn(join(configDir, TARIFFS_FOLDER))
  const files = [...KNOWN, ...inTariffs.map((name) => join(TARIFFS_FOLDER, name))]
  const states = files.map(async (file) => {
    const found = await stat(join(configDir, file), { bigint: true }).catch(() => undefined)
    return `${file} ${found ? [found.ino, found.size, found.mtimeNs].join() : 'absent'}`
  })
  return (await Promise.all(states)).join('\n')
}

export interface FolderContent {
  /** Tariff heads, relative to the config folder, by name. */
  readonly tariffs: readonly string[]
  readonly csvFiles: readonly string[]
  /** Files that nothing reads, which may be mistyped. */
  readonly warnings: readonly ConfigProblem[]
}

/** What there is to read. Other people's files may lie beside ours, so only what looks like ours is worth a warning. */
export async function lookInto(configDir: string): Promise<FolderContent> {
  const top = await namesIn(configDir)
  const inTariffs = await namesIn(join(configDir, TARIFFS_FOLDER))
  const strange = top.filter((name) => /\.ya?ml$/.test(name) && !KNOWN.includes(name))
  const strangeTariffs = inTariffs.filter((name) => !/\.(yaml|csv)$/.test(name))
  return {
    tariffs: inTariffs.filter((name) => name.endsWith('.yaml')).map((name) => `${TARIFFS_FOLDER}/${name}`),
    csvFiles: inTariffs.filter((name) => name.endsWith('.csv')).map((name) => `${TARIFFS_FOLDER}/${name}`),
    warnings: [
      ...strange.map((name) => unread(name, didYouMean(name, KNOWN))),
      ...strangeTariffs.map((name) => unread(`${TARIFFS_FOLDER}/${name}`, '; tariffs are .yaml and .csv files')),
    ],
  }
}

export function unread(file: string, hint: string): ConfigProblem {
  return { file, line: 0, column: 0, path: '', message: `nothing reads this file${hint}` }
}

/** Hidden files, such as those of editors, are left out. */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    const names = await readdir(folder)
    return names.filter((name) => !name.startsWith('.') && !name.endsWith('~')).toSorted()
  } catch (error) {
    const code = fileErrorCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}
