/**
 * Settings from environment variables, laid over those of the file.
 *
 * TOLLGATE__CALLS__SLICE_SECONDS=30 is calls.sliceSeconds: "__" goes one level down, capitals and "_" inside a name do
 * not matter. A list is separated by commas, or in YAML's [a, b]; a whole branch may be given in YAML's {a: b}. A name
 * with _FILE at its end gives the file that holds the value. An empty variable counts as not set.
 */
import { z } from 'zod'
import { isRawMap, PlainText, type Raw, type RawMap } from './fit.ts'
import type { ConfigProblem } from './problems.ts'
import { bare, childOf, knownKeys, type Schema } from './schema-walk.ts'
import { didYouMean, nearest, squashed } from './suggest.ts'
import { type RawDocument, readYaml } from './yaml-file.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Variables with a name of their own, and the setting each one is. */
export const namedVariables: Readonly<Record<string, readonly string[]>> = {
  TOLLGATE_HTTP_PORT: ['http', 'port'],
  TOLLGATE_DATA_DIR: ['dataDir'],
  TOLLGATE_REDIS_URL: ['redis', 'urls'],
  TOLLGATE_REDIS_SERVER: ['redis', 'server'],
  TOLLGATE_DATABASE_URL: ['databaseUrl'],
  TOLLGATE_API_KEY: ['apiKey'],
}

export const CONFIG_DIR_VARIABLE = 'TOLLGATE_CONFIG_DIR'

const GENERIC = 'TOLLGATE__'
const FROM_FILE = '_FILE'

export interface Override {
  readonly variable: string
  readonly path: readonly string[]
  readonly schema: Schema
  readonly text: string
}

/** Reads the file that a `_FILE` variable names; undefined when it cannot be read. */
export type ReadSecret = (file: string) => Promise<string | undefined>

export interface Overrides {
  readonly found: readonly Override[]
  readonly problems: readonly ConfigProblem[]
  readonly warnings: readonly ConfigProblem[]
}

/** The overrides that an environment holds for a document of this schema. */
export async function findOverrides(
  schema: Schema,
  document: RawDocument,
  source: { readonly env: Environment; readonly readSecret: ReadSecret },
): Promise<Overrides> {
  const found: Override[] = []
  const problems: ConfigProblem[] = []
  for (const [variable, given] of Object.entries(source.env).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const setting = given ? resolve(variable, schema, document.value) : undefined
    if (!given || !setting) continue
    if ('message' in setting) {
      problems.push(inEnvironment(variable, setting.message))
      continue
    }
    const text = setting.fromFile ? await source.readSecret(given) : given
    if (text === undefined) problems.push(inEnvironment(variable, `the file "${given}" cannot be read`))
    else found.push({ variable, path: setting.path, schema: setting.schema, text })
  }
  return { found, problems: [...problems, ...setTwice(found)], warnings: mistyped(source.env) }
}

function inEnvironment(variable: string, message: string): ConfigProblem {
  return { file: 'environment', line: 0, column: 0, path: variable, message }
}

interface Setting {
  readonly path: readonly string[]
  readonly schema: Schema
  readonly fromFile: boolean
}

interface Unresolved {
  readonly message: string
}

/** undefined when the variable is none of ours. */
function resolve(variable: string, schema: Schema, file: Raw): Setting | Unresolved | undefined {
  const direct = settingOf(variable, schema, file)
  if (direct && !('message' in direct)) return { ...direct, fromFile: false }
  if (!variable.endsWith(FROM_FILE)) return direct
  const pointed = settingOf(variable.slice(0, -FROM_FILE.length), schema, file)
  return pointed && !('message' in pointed) ? { ...pointed, fromFile: true } : direct
}

function settingOf(variable: string, schema: Schema, file: Raw): Omit<Setting, 'fromFile'> | Unresolved | undefined {
  const named = namedVariables[variable]
  if (named) return follow(named, schema, file)
  if (!variable.startsWith(GENERIC)) return undefined
  return follow(variable.slice(GENERIC.length).split('__'), schema, file)
}

/** From the words of a variable to the keys of the settings, which differ in capitals and "_". */
function follow(words: readonly string[], schema: Schema, file: Raw): Omit<Setting, 'fromFile'> | Unresolved {
  const path: string[] = []
  let at = schema
  let here: Raw | undefined = file
  for (const word of words) {
    const known: readonly string[] = knownKeys(at, here) ?? (isRawMap(here) ? Object.keys(here) : [])
    const key: string | undefined = known.find((one) => squashed(one) === squashed(word)) ?? newKey(at, word)
    const child = key === undefined ? undefined : childOf(at, key, here)
    if (key === undefined || !child) {
      const hint = didYouMean(word, known)
      return { message: `there is no setting "${word}"${path.length > 0 ? ` in ${path.join('.')}` : ''}${hint}` }
    }
    path.push(key)
    at = child
    here = isRawMap(here) ? here[key] : undefined
  }
  return { path, schema: at }
}

/** A map that takes any key, such as `edges`, takes a new one in small letters. */
function newKey(schema: Schema, word: string): string | undefined {
  return bare(schema) instanceof z.ZodRecord && word !== '' && !knownKeys(schema) ? word.toLowerCase() : undefined
}

function setTwice(found: readonly Override[]): readonly ConfigProblem[] {
  const first = new Map<string, string>()
  return found.flatMap(({ variable, path }) => {
    const name = path.join('.')
    const other = first.get(name)
    first.set(name, other ?? variable)
    return other === undefined ? [] : [inEnvironment(variable, `${name} is also set by ${other}; keep one of them`)]
  })
}

/** Other programs have variables too, so one that is only nearly ours is worth a warning, no more. */
function mistyped(env: Environment): readonly ConfigProblem[] {
  const ours = [...Object.keys(namedVariables), CONFIG_DIR_VARIABLE]
  const known = [...ours, ...ours.map((one) => `${one}${FROM_FILE}`)]
  return Object.keys(env)
    .filter((one) => one.startsWith('TOLLGATE_') && !one.startsWith(GENERIC) && !known.includes(one))
    .map((one) => ({
      one,
      near: nearest(
        one.slice(9),
        ours.map((known) => known.slice(9)),
      ),
    }))
    .filter(({ near }) => near !== undefined)
    .map(({ one, near }) => inEnvironment(one, `means nothing here, did you mean "TOLLGATE_${near}"?`))
}

/** The document with the overrides in it; their places name the variable. */
export function applyOverrides(document: RawDocument, overrides: readonly Override[]): RawDocument {
  let value = document.value
  if (!isRawMap(value)) return document
  for (const { variable, path, schema, text } of overrides) {
    value = withValue(value, path, rawOf(schema, text))
    document.places.replace(path, { file: 'environment', line: 0, column: 0, variable })
  }
  return { ...document, value }
}

function withValue(map: RawMap, path: readonly string[], value: Raw): RawMap {
  const [key = '', ...rest] = path
  if (rest.length === 0) return { ...map, [key]: value }
  const inner = map[key]
  return { ...map, [key]: withValue(isRawMap(inner) ? inner : {}, rest, value) }
}

function rawOf(schema: Schema, text: string): Raw {
  const inner = bare(schema)
  if (inner instanceof z.ZodArray) return flow(text) ?? splitList(text)
  if (inner instanceof z.ZodObject || inner instanceof z.ZodRecord || inner instanceof z.ZodUnion)
    return flow(text) ?? text
  return inner instanceof z.ZodNumber || inner instanceof z.ZodBoolean ? new PlainText(text) : text
}

function splitList(text: string): readonly Raw[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => new PlainText(entry))
}

/** YAML's [a, b] and {a: b}; undefined when the text is neither. */
function flow(text: string): Raw | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  const read = readYaml('environment', text)
  return read.kind === 'read' ? read.document.value : undefined
}
