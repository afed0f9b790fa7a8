/** A raw document against its schema: the value in its final form, or every problem with its place. */
import type { z } from 'zod'
import { fit } from './fit.ts'
import { complaints } from './messages.ts'
import { type ConfigPath, type ConfigProblem, formatPath } from './problems.ts'
import type { Place, RawDocument } from './yaml-file.ts'

export type CheckResult<T> =
  | { readonly kind: 'checked'; readonly value: T }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[] }

export function check<S extends z.ZodType>(schema: S, document: RawDocument): CheckResult<z.output<S>> {
  const value = fit(schema, document.value)
  const parsed = schema.safeParse(value)
  if (parsed.success) return { kind: 'checked', value: parsed.data }
  const problems = parsed.error.issues
    .flatMap((issue) => complaints(issue, { schema, value }))
    .map(({ path, atKey, message }) => {
      const place = atKey ? document.places.ofKey(path) : document.places.ofValue(path)
      return problemAt(place, path, message)
    })
  return { kind: 'invalid', problems }
}

export function problemAt(place: Place, path: ConfigPath, message: string): ConfigProblem {
  const { file, line, column, variable } = place
  if (variable === undefined) return { file, line, column, path: formatPath(path), message }
  return { file, line, column, path: variable, message: `${formatPath(path)} ${message}` }
}
