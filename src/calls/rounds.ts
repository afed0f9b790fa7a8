/**
 * Asks edges which calls they have, on a timer: the net under lost stops. One daemon asks an edge at a time, so that
 * absences are counted once for each list.
 */
import type { CallParts } from './parts.ts'
import { Fault } from '../base/fault.ts'
import type { EdgeControl, ListedCall } from './edge-control.ts'
import type { EdgeDesk } from './edge-events.ts'

/** Lets one daemon at a time do something with a name; the right lapses by itself. */
export interface Turns {
  take(name: string, forMs: number): Promise<boolean>
}

export interface ListedEdge {
  readonly node: string
  readonly listSeconds: number
}

export class ListRounds {
  readonly #parts: Pick<CallParts, 'controlOf' | 'clock' | 'observer'>
  readonly #edges: EdgeDesk
  readonly #turns: Turns

  constructor(parts: Pick<CallParts, 'controlOf' | 'clock' | 'observer'>, edges: EdgeDesk, turns: Turns) {
    this.#parts = parts
    this.#edges = edges
    this.#turns = turns
  }

  /** Throws Fault(edge_unreachable) when the edge does not answer: no answer is never "no calls". */
  async round({ node, listSeconds }: ListedEdge): Promise<void> {
    const control = this.#parts.controlOf(node)
    if (!control.canList || !(await this.#turns.take(node, listSeconds * 1000 - 500))) return
    const tsMs = this.#parts.clock.nowMs()
    const calls = await listOf(node, control)
    await this.#edges.listed(node, tsMs, calls)
  }
}

async function listOf(node: string, control: EdgeControl): Promise<readonly ListedCall[]> {
  try {
    return await control.list()
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw new Fault(error.code, `edge ${node} did not say which calls it has: ${error.message}`, {
      retryable: true,
      cause: error,
    })
  }
}
