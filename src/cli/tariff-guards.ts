/** The guard rails on the command line: which limits are told, and what is said when a version is refused. */
import { type Command, InvalidArgumentError } from 'commander'
import { type Guard, guardText, type Limits, limitNames, usualLimits } from '../rating/guard-rails.ts'
import { CliFailure, exitCodes } from './context.ts'

export interface GuardOptions {
  readonly limit?: Limits
  readonly force?: true
}

export function addGuardOptions(command: Command): Command {
  return command
    .option(
      '--limit <name=n>',
      'allows more: change, dearer, cheaper, closed (percent), jump (times), free (rates)',
      limits,
    )
    .option('--force', 'takes what the guard rails refuse')
}

/** `--limit dearer=50%`, one after the other. */
function limits(text: string, before: Limits = usualLimits): Limits {
  const [, name = '', value = ''] = /^([a-z]+)=(\d+(?:\.\d+)?)%?$/.exec(text) ?? []
  if (!limitNames.some((known) => known === name)) {
    throw new InvalidArgumentError(`It must be one of ${limitNames.join(', ')}, "=", and a number.`)
  }
  return { ...before, [name]: Number(value) }
}

export function guardFailure(guards: readonly Guard[]): CliFailure {
  const message = `this looks like a mistake, and nothing was changed:\n${guards.map((guard) => `  ${guardText(guard)}`).join('\n')}`
  return new CliFailure(
    { code: 'guard_rails', message },
    { exitCode: exitCodes.refused, advice: '--force takes it as it is' },
  )
}
