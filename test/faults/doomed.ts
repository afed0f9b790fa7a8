/** Processes that are killed at each step of what they do, one after the other, until one of them is done before. */
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { inTurns } from '../../src/base/in-turns.ts'
import { Process, until } from '../edges/sip/process.ts'
import type { Place } from './teller.ts'

const TELLER = fileURLToPath(new URL('teller.ts', import.meta.url))
/** More than there are. */
const MOST_STEPS = 400
const AT_ONCE = 4

export interface Doom {
  readonly place: (step: number) => Place
  /** Makes the installation of a step, with something to do. */
  readonly prepare: (step: number) => Promise<void>
  /** Whether all of it is done. */
  readonly isDone: (step: number) => boolean | Promise<boolean>
}

/** Answers with the steps at which there was a kill. */
export async function killAtEachStep(doom: Doom): Promise<readonly number[]> {
  for (let steps = 0; steps < MOST_STEPS; steps += AT_ONCE) {
    const batch = Array.from({ length: AT_ONCE }, (_, index) => steps + index + 1)
    const outcomes = await inTurns(batch, AT_ONCE, (step) => dies(step, doom))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    const isOver = outcomes.every((outcome) => outcome.status === 'fulfilled' && !outcome.value)
    if (isOver) return Array.from({ length: steps + AT_ONCE }, (_, index) => index + 1)
  }
  throw new Error(`there are more than ${MOST_STEPS} steps`)
}

async function dies(step: number, { place, prepare, isDone }: Doom): Promise<boolean> {
  await prepare(step)
  const { urls, prefix, mailUrl } = place(step)
  const args = [TELLER, urls.join(','), prefix, mailUrl, String(step)]
  const doomed = new Process({ name: `step ${step}`, file: process.execPath, args })
  await until('it dies or has done all', async () => !doomed.running || (await isDone(step)), {
    withinMs: 60_000,
    everyMs: 50,
    explain: () => doomed.output,
  })
  const died = !doomed.running
  if (died) expect(doomed.output).toBe('')
  await doomed.kill()
  return died
}
