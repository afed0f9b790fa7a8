/**
 * What edges are asked while calls are looked after. Nobody waits for it: an edge that hangs holds up no call of another.
 * So much of one edge is under way at once; the rest waits in its turn, one ask for each call, the newest.
 */
export interface Ask {
  readonly node: string
  readonly call: string
  /** Never rejects: what went wrong is told to the observer. */
  readonly run: () => Promise<void>
}

interface Lane {
  underWay: number
  readonly waiting: Map<string, Ask>
}

/** As many connections as an edge is sure to bear. */
const AT_ONCE_PER_EDGE = 64

export class EdgeAsks {
  readonly #lanes = new Map<string, Lane>()
  readonly #running = new Set<Promise<void>>()

  put(ask: Ask): void {
    const lane = this.#lanes.get(ask.node) ?? { underWay: 0, waiting: new Map<string, Ask>() }
    this.#lanes.set(ask.node, lane)
    if (lane.underWay < AT_ONCE_PER_EDGE) this.#start(ask, lane)
    else lane.waiting.set(ask.call, ask)
  }

  /** Resolves when nothing is under way and nothing waits any more; each ask has a deadline of its own. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  #start(ask: Ask, lane: Lane): void {
    lane.underWay += 1
    const running = ask.run().finally(() => {
      this.#running.delete(running)
      lane.underWay -= 1
      this.#next(ask.node, lane)
    })
    this.#running.add(running)
  }

  #next(node: string, lane: Lane): void {
    for (const [call, ask] of lane.waiting) {
      lane.waiting.delete(call)
      this.#start(ask, lane)
      return
    }
    if (lane.underWay === 0) this.#lanes.delete(node)
  }
}
