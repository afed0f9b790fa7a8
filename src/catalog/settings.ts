/** Settings from defaults, then tollgate.yaml, then the environment. Nothing else in the daemon reads the environment. */
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { check } from './check.ts'
import { readIfThere, SETTINGS_FILE } from './folder.ts'
import { applyOverrides, CONFIG_DIR_VARIABLE, type Environment, findOverrides } from './overrides.ts'
import type { ConfigProblem } from './problems.ts'
import { type Settings, settingsFileSchema } from './settings-schema.ts'
import { weakPoints } from './weak-points.ts'
import { Places } from './yaml-file.ts'

export type { Environment } from './overrides.ts'
export type { Settings } from './settings-schema.ts'

export type SettingsResult = {
  readonly configDir: string
  /** Where each setting stands. */
  readonly places: Places
} & (
  | { readonly kind: 'read'; readonly settings: Settings; readonly warnings: readonly ConfigProblem[] }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[] }
)

/** Where a configuration comes from; tests and `config check` give their own. */
export interface ConfigSource {
  readonly env: Environment
  readonly cwd: string
}

/** The environment and folder of this process. */
export function processSource(): ConfigSource {
  return { env: process.env, cwd: process.cwd() }
}

/** Settings as they hold for an environment; relative folders are taken from `cwd`. */
export async function readSettings(
  env: Environment = processSource().env,
  cwd: string = processSource().cwd,
): Promise<SettingsResult> {
  const configDir = configDirOf(env, cwd)
  const missing = await missingFolder(env, configDir)
  const yaml = missing ? { kind: 'invalid' as const, problems: [missing] } : await readIfThere(configDir, SETTINGS_FILE)
  if (yaml.kind === 'invalid') return { ...yaml, configDir, places: new Places(SETTINGS_FILE) }
  const readSecret = async (file: string): Promise<string | undefined> => firstLine(resolve(cwd, file))
  const overrides = await findOverrides(settingsFileSchema, yaml.document, { env, readSecret })
  const document = applyOverrides(yaml.document, overrides.found)
  const { places } = document
  const checked = check(settingsFileSchema, document)
  const problems = [...overrides.problems, ...(checked.kind === 'invalid' ? checked.problems : [])]
  if (checked.kind === 'invalid' || problems.length > 0) return { kind: 'invalid', problems, configDir, places }
  const settings: Settings = { ...checked.value, dataDir: resolve(cwd, checked.value.dataDir), configDir }
  return {
    kind: 'read',
    settings,
    warnings: [...overrides.warnings, ...weakPoints(settings, places)],
    configDir,
    places,
  }
}

/** The config folder; it need not be there. */
export function configDirOf(env: Environment, cwd: string): string {
  return resolve(cwd, env[CONFIG_DIR_VARIABLE] || 'config')
}

/** The default folder may be absent; one that was named may not. */
async function missingFolder(env: Environment, configDir: string): Promise<ConfigProblem | undefined> {
  if (!env[CONFIG_DIR_VARIABLE]) return undefined
  const found = await stat(configDir).catch(() => undefined)
  if (found?.isDirectory()) return undefined
  const message = `there is no folder "${configDir}"`
  return { file: 'environment', line: 0, column: 0, path: CONFIG_DIR_VARIABLE, message }
}

/** Secrets are files with one line; editors add a line end. */
async function firstLine(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  return text?.split(/\r?\n/, 1)[0]?.trim()
}
