/** The whole config folder, checked: a catalog, or everything that is wrong in it. Nothing is put in force here. */
import type { z } from 'zod'
import { readyRules, type TrunkRules } from '../trunks/identify.ts'
import { type AccountConfig, accountsFileSchema } from './account-schema.ts'
import { check } from './check.ts'
import {
  ACCOUNTS_FILE,
  fileErrorCode,
  lookInto,
  readIfThere,
  stateOf,
  TRUNKS_FILE,
  unread,
  unreadable,
} from './folder.ts'
import { type ConfigProblem, ProblemList } from './problems.ts'
import {
  foreignTariffs,
  joinAccounts,
  missingGroups,
  missingTariffs,
  type Named,
  smallRecharges,
  strangePayers,
} from './references.ts'
import { configDirOf, type ConfigSource, processSource, readSettings, type Settings } from './settings.ts'
import { nameOf, readTariff, type TariffFile, type TariffRead } from './tariff-file.ts'
import { trunksFileSchema } from './trunk-schema.ts'
import { Places } from './yaml-file.ts'

export interface Catalog {
  readonly settings: Settings
  readonly trunkRules: TrunkRules
  /** Parents before their children. Created once, by whoever puts the catalog to use, and never re-applied. */
  readonly accounts: readonly AccountConfig[]
  readonly tariffs: ReadonlyMap<string, TariffFile>
}

export type LoadResult =
  | { readonly kind: 'loaded'; readonly catalog: Catalog; readonly warnings: readonly ConfigProblem[] }
  | {
      readonly kind: 'invalid'
      readonly problems: readonly ConfigProblem[]
      /** There are more problems than are listed. */
      readonly truncated: boolean
    }

type Accounts = z.output<typeof accountsFileSchema>
type Trunks = z.output<typeof trunksFileSchema>

interface Found<T> {
  readonly value: T | undefined
  readonly places: Places
}

/** A folder that is being written is read again, so often at most. */
const MAX_READS = 3

/** Reads and checks the folder. Tariffs whose files have not changed since `before` are taken from it. */
export async function loadCatalog(source: ConfigSource = processSource(), before?: Catalog): Promise<LoadResult> {
  const configDir = configDirOf(source.env, source.cwd)
  for (let reads = 0; reads < MAX_READS; reads += 1) {
    const state = await stateOf(configDir)
    const result = await loadOnce(source, before)
    if ((await stateOf(configDir)) === state) return result
  }
  const message = 'the files change while they are read; try again when they are written'
  return { kind: 'invalid', problems: [{ file: configDir, line: 0, column: 0, path: '', message }], truncated: false }
}

async function loadOnce(source: ConfigSource, before: Catalog | undefined): Promise<LoadResult> {
  const problems = new ProblemList()
  const warnings = new ProblemList()
  const read = await readSettings(source.env, source.cwd)
  if (read.kind === 'invalid') problems.add(...read.problems)
  else warnings.add(...read.warnings)
  const { configDir } = read
  const settings = read.kind === 'read' ? read.settings : undefined
  const accounts = await readFile({ configDir, file: ACCOUNTS_FILE, problems }, accountsFileSchema)
  const trunks = await readFile({ configDir, file: TRUNKS_FILE, problems }, trunksFileSchema)
  const content = await lookInto(configDir)
  warnings.add(...content.warnings)
  const tariffs = await readTariffs({ configDir, files: content.tariffs, problems, before })
  if (problems.empty) warnings.add(...unusedFiles(content.csvFiles, tariffs))
  const names = content.tariffs.map(nameOf)
  const parts = { settings, settingsPlaces: read.places, accounts, trunks, names, tariffs, problems, warnings }
  const joined = follow(parts)
  const { truncated } = problems
  if (!problems.empty || !settings) return { kind: 'invalid', problems: problems.toSorted(), truncated }
  const trunkRules = readyRules(trunks.value?.trunks ?? [])
  return { kind: 'loaded', catalog: { settings, trunkRules, accounts: joined, tariffs }, warnings: warnings.toSorted() }
}

interface FileToRead {
  readonly configDir: string
  readonly file: string
  readonly problems: ProblemList
}

async function readFile<S extends z.ZodType>(from: FileToRead, schema: S): Promise<Found<z.output<S>>> {
  const yaml = await readIfThere(from.configDir, from.file)
  const places = yaml.kind === 'read' ? yaml.document.places : new Places(from.file)
  const checked = yaml.kind === 'read' ? check(schema, yaml.document) : yaml
  if (checked.kind === 'checked') return { value: checked.value, places }
  from.problems.add(...checked.problems)
  return { value: undefined, places }
}

interface TariffsToRead {
  readonly configDir: string
  readonly files: readonly string[]
  readonly problems: ProblemList
  readonly before: Catalog | undefined
}

async function readTariffs(from: TariffsToRead): Promise<ReadonlyMap<string, TariffFile>> {
  const { configDir, files, problems, before } = from
  const tariffs = new Map<string, TariffFile>()
  for (const file of files) {
    const known = before?.tariffs.get(nameOf(file))
    const read = await tariffOf({ configDir, file, known })
    if (read.kind === 'invalid') problems.add(...read.problems)
    else tariffs.set(nameOf(file), read.tariff)
  }
  return tariffs
}

async function tariffOf(source: Parameters<typeof readTariff>[0]): Promise<TariffRead> {
  try {
    return await readTariff(source)
  } catch (error) {
    const code = fileErrorCode(error)
    if (code === undefined) throw error
    return { kind: 'invalid', problems: [unreadable(source.file, code)] }
  }
}

function unusedFiles(csvFiles: readonly string[], tariffs: ReadonlyMap<string, TariffFile>): readonly ConfigProblem[] {
  const used = new Set([...tariffs.values()].flatMap(({ files }) => files))
  return csvFiles.filter((file) => !used.has(file)).map((file) => unread(file, '; no tariff names it in `rates`'))
}

interface Parts {
  readonly settings: Settings | undefined
  readonly settingsPlaces: Places
  readonly accounts: Found<Accounts>
  readonly trunks: Found<Trunks>
  /** Tariffs that have a file, good or bad. */
  readonly names: readonly string[]
  readonly tariffs: ReadonlyMap<string, TariffFile>
  readonly problems: ProblemList
  readonly warnings: ProblemList
}

/** Follows what the files say of each other; answers with the accounts in their final form. */
function follow(parts: Parts): readonly AccountConfig[] {
  const { settings, settingsPlaces, accounts, trunks, names, tariffs, problems, warnings } = parts
  const drafts = accounts.value?.accounts ?? []
  const named = drafts.map(({ tariff }, at) => {
    return { name: tariff, path: ['accounts', at, 'tariff'], places: accounts.places }
  })
  const standard = { name: settings?.defaults.tariff, path: ['defaults', 'tariff'], places: settingsPlaces }
  problems.add(...missingTariffs([...named, standard], names))
  const payers = namedByTrunks(trunks, 'account')
  const socket = { name: settings?.callControl.account, path: ['callControl', 'account'], places: settingsPlaces }
  const ids = drafts.map(({ id }) => id)
  if (accounts.value) warnings.add(...strangePayers([...payers, socket], ids))
  if (!settings) return []
  problems.add(...missingGroups(namedByTrunks(trunks, 'group'), Object.keys(settings.sip.groups)))
  problems.add(...smallRecharges(drafts, accounts.places, settings.defaults))
  const joined = joinAccounts(drafts, accounts.places, settings.defaults)
  problems.add(...joined.problems)
  if (joined.problems.length > 0) return []
  problems.add(...foreignTariffs(joined.accounts, accounts.places, { tariffs, standard: settings.defaults.tariff }))
  return joined.accounts
}

function namedByTrunks({ value, places }: Found<Trunks>, field: 'account' | 'group'): readonly Named[] {
  const rules = value?.trunks ?? []
  return rules.map((rule, at) => ({ name: rule[field], path: ['trunks', at, field], places }))
}
