/** A book as a tariff that prices calls. */
import { Tariff, TariffBuilder } from '../rating/tariff.ts'
import { CliFailure } from './context.ts'
import type { Book } from './tariff-api.ts'

export function compiled({ head, rows }: Book): Tariff {
  const builder = new TariffBuilder({ ...head, version: 1 })
  for (const [at, row] of rows.entries()) builder.add(row, at + 1)
  const built = builder.finish()
  if (built instanceof Tariff) return built
  const told = built.problems.map(({ row, field, message }) => `  rate ${row}: ${field}: ${message}`)
  throw new CliFailure({ code: 'tariff_invalid', message: `the tariff is not valid:\n${told.join('\n')}` })
}
