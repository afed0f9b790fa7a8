/** Putting a version in force when somebody asks for it: held to the guard rails against the version that it follows. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../base/time.ts'
import type { ActivationAnswer, ActivationInput } from '../edges/http/parts.ts'
import type { Activation, TariffBook, TariffOffice, TariffVersionDetail } from '../rating/book.ts'
import { type Guard, guardsOf, usualLimits } from '../rating/guard-rails.ts'
import { effectiveAtMs } from './effective.ts'

export type GuardedBook = TariffOffice & Pick<TariffBook, 'pinned'>

interface Asked extends ActivationInput {
  readonly name: string
  readonly version: number
}

export async function activate(
  { book, clock }: { readonly book: GuardedBook; readonly clock: Clock },
  asked: Asked,
): Promise<ActivationAnswer | undefined> {
  const { name, version } = asked
  const versions = (await book.versions(name)) ?? []
  const head = versions.find((known) => known.version === version)?.head
  if (!head) return undefined
  // Now, unless the version says itself that it is for later.
  const atMs = asked.atMs ?? effectiveAtMs(head, clock.nowMs())
  const against = inForceAt(versions, atMs)?.version
  const guards = await guardsAgainst(book, against, asked)
  if (against !== undefined && guards.length > 0) return { kind: 'refused', against, guards }
  const activated = await book.activate(name, version, atMs)
  return activated.kind === 'version_unknown'
    ? undefined
    : { kind: 'activated', version, fromMs: activated.activation.atMs }
}

function inForceAt(versions: readonly TariffVersionDetail[], atMs: number): Activation | undefined {
  const begun = versions.flatMap(({ activations }) => activations).filter((activation) => activation.atMs <= atMs)
  return begun.toSorted((a, b) => a.atMs - b.atMs).at(-1)
}

/** Only where limits are named, as the command line always does. Calls are answered in between. */
async function guardsAgainst(
  book: GuardedBook,
  against: number | undefined,
  { name, version, limit }: Asked,
): Promise<readonly Guard[]> {
  if (limit === undefined || against === undefined || against === version) return []
  const [before, after] = [await book.pinned(name, against), await book.pinned(name, version)]
  if (!before || !after) return []
  const guards = guardsOf({ before, after }, { ...usualLimits, ...limit })
  let step = guards.next()
  while (step.done !== true) {
    await nextTurn()
    step = guards.next()
  }
  return step.value
}
