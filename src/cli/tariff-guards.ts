/** Guard rails: what makes a new version look like a mistake, however well its file is formed. */
import { InvalidArgumentError } from 'commander'
import { type DiffRate, priceOf, type RateChange, type TariffDiff } from './tariff-diff.ts'
import { CliFailure, exitCodes } from './context.ts'

/** By the names of `--limit`. */
export interface Limits {
  /** Percent from which a price counts as dearer or cheaper. */
  readonly change: number
  /** Percent of the prefixes that may be dearer, cheaper, closed. */
  readonly dearer: number
  readonly cheaper: number
  readonly closed: number
  /** Times that a price may rise or fall. */
  readonly jump: number
  /** Rates that may become free. */
  readonly free: number
}

export const usualLimits: Limits = { change: 20, dearer: 10, cheaper: 10, closed: 20, jump: 10, free: 0 }

/** Of a few prefixes one is many percent; a person sees them all. */
const FEW_PREFIXES = 20

const SHOWN = 3

export interface Guard {
  readonly limit: keyof Limits
  readonly message: string
  readonly examples: readonly string[]
}

/** `--limit dearer=50%`, one after the other. */
export function limits(text: string, before: Limits = usualLimits): Limits {
  const [, name = '', value = ''] = /^([a-z]+)=(\d+(?:\.\d+)?)%?$/.exec(text) ?? []
  if (!(name in usualLimits)) {
    throw new InvalidArgumentError(`It must be one of ${Object.keys(usualLimits).join(', ')}, "=", and a number.`)
  }
  return { ...before, [name]: Number(value) }
}

export function guardsOf(diff: TariffDiff, allowed: Limits): readonly Guard[] {
  const priced = diff.changes.flatMap(withFactor)
  const known = diff.before
  const times = 1 + allowed.change / 100
  const share = (
    limit: 'dearer' | 'cheaper' | 'closed',
    found: readonly RateChange[],
    what: string,
  ): readonly Guard[] => {
    const percent = (100 * found.length) / Math.max(known, 1)
    if (known < FEW_PREFIXES || percent <= allowed[limit]) return []
    const message = `${found.length} of ${known} prefixes ${what}: ${percent.toFixed(1)} %, allowed are ${allowed[limit]} %`
    return [{ limit, message, examples: examplesOf(found) }]
  }
  const jumps = priced.filter(({ factor }) => factor >= allowed.jump || factor <= 1 / allowed.jump)
  const free = diff.changes.filter(becomesFree)
  return [
    ...share(
      'dearer',
      priced.filter(({ factor }) => factor > times).map(({ of }) => of),
      `are dearer by more than ${allowed.change} %`,
    ),
    ...share(
      'cheaper',
      priced.filter(({ factor }) => factor < 1 / times).map(({ of }) => of),
      `are cheaper by as much`,
    ),
    ...share('closed', diff.changes.filter(isGone), 'are closed or blocked; --changes is for a deck of changes only'),
    ...counted(
      'jump',
      jumps.map(({ of }) => of),
      `prices rise or fall by ${allowed.jump} times or more`,
      0,
    ),
    ...counted('free', free, 'rates become free', allowed.free),
  ]
}

function counted(
  limit: keyof Limits,
  ...[found, what, most]: readonly [readonly RateChange[], string, number]
): readonly Guard[] {
  if (found.length <= most) return []
  return [{ limit, message: `${found.length} ${what}`, examples: examplesOf(found) }]
}

function withFactor(of: RateChange): readonly { readonly of: RateChange; readonly factor: number }[] {
  const [old, now] = [of.before && priceOf(of.before), of.after && priceOf(of.after)]
  return !old || !now || old.isZero() || now.isZero() ? [] : [{ of, factor: now.div(old).toNumber() }]
}

/** Calls to it are possible no more. */
function isGone({ change, before, after }: RateChange): boolean {
  return change === 'closed' || (before?.blocked !== true && after?.blocked === true && before !== undefined)
}

function becomesFree({ before, after }: RateChange): boolean {
  const isFree = (rate: DiffRate | undefined): boolean => rate !== undefined && priceOf(rate)?.isZero() === true
  return isFree(after) && !isFree(before)
}

function examplesOf(changes: readonly RateChange[]): readonly string[] {
  return changes.slice(0, SHOWN).map(({ prefix, destination = '', before, after }) => {
    const [old, now] = [before?.perMinute ?? 'none', after?.perMinute ?? 'none']
    return `${prefix} ${destination}`.trim() + ` ${old} → ${now}`
  })
}

export function guardText({ limit, message, examples }: Guard): string {
  const more = examples.length > 0 ? ` (${examples.join('; ')})` : ''
  return `${message}${more}; --limit ${limit}=<n> allows more`
}

export function guardFailure(guards: readonly Guard[]): CliFailure {
  const message = `this looks like a mistake, and nothing was changed:\n${guards.map((guard) => `  ${guardText(guard)}`).join('\n')}`
  return new CliFailure(
    { code: 'guard_rails', message },
    { exitCode: exitCodes.refused, advice: '--force takes it as it is' },
  )
}
