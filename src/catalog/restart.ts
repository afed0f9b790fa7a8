/** Settings that are read once, when the daemon starts: which have changed since, and those in force in their place. */
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { bare, notesOf, type Schema } from './schema-walk.ts'
import { type Settings, settingsSchema } from './settings-schema.ts'

/** Paths of the settings that need a restart, such as ["http", "port"]. */
export function restartPaths(
  schema: Schema = settingsSchema,
  above: readonly string[] = [],
): readonly (readonly string[])[] {
  const inner = bare(schema)
  if (!(inner instanceof z.ZodObject)) return [above]
  return Object.entries(inner.shape as Readonly<Record<string, Schema>>).flatMap(([key, child]) => {
    return above.length > 0 || notesOf(child).restart === true ? restartPaths(child, [...above, key]) : []
  })
}

export interface KeptSettings {
  /** The new settings with the started values of those that need a restart. */
  readonly settings: Settings
  readonly needRestart: readonly string[]
}

export function keepStarted(started: Settings, wanted: Settings): KeptSettings {
  const changed = restartPaths().filter((path) => !isDeepStrictEqual(at(started, path), at(wanted, path)))
  const settings = changed.reduce<Settings>(
    (kept, path) => withValue(kept, path, at(started, path)) as Settings,
    wanted,
  )
  return { settings, needRestart: changed.map((path) => path.join('.')) }
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((here, key) => (here as Readonly<Record<string, unknown>>)[key], value)
}

function withValue(map: unknown, [key = '', ...rest]: readonly string[], value: unknown): unknown {
  const here = map as Readonly<Record<string, unknown>>
  return { ...here, [key]: rest.length === 0 ? value : withValue(here[key], rest, value) }
}
