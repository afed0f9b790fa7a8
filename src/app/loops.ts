/** What the daemon does by itself, again and again, until it is stopped. */
import { Fault } from '../base/fault.ts'
import type { Logger } from '../observe/log.ts'

export interface Loop {
  readonly name: string
  /** Asked before each round, as settings are reloaded. */
  readonly everyMs: () => number
  readonly round: () => Promise<unknown>
}

/** Runs rounds one after the other; one that fails is logged, and the next comes in its time. */
export class Loops {
  readonly #log: Logger
  readonly #failed: (name: string, error: unknown) => void
  readonly #running: Promise<void>[] = []
  readonly #stopped = new AbortController()

  constructor(log: Logger, failed: (name: string, error: unknown) => void) {
    this.#log = log
    this.#failed = failed
  }

  /** A long round asks, and ends early. */
  get isStopping(): boolean {
    return this.#stopped.signal.aborted
  }

  start(loop: Loop): void {
    this.#running.push(this.#run(loop))
  }

  /** Resolves when the rounds under way are over. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await Promise.all(this.#running)
  }

  async #run({ name, everyMs, round }: Loop): Promise<void> {
    const { signal } = this.#stopped
    let failures = 0
    while (!signal.aborted) {
      try {
        await round()
        failures = 0
      } catch (error) {
        failures += 1
        // A store that is away for an hour is worth one line in a while, not ten in a second.
        if (failures === 1 || failures % 100 === 0)
          this.#log.error({ ...reasonOf(error), loop: name, failures }, 'a round failed')
        this.#failed(name, error)
      }
      await pause(everyMs(), signal)
    }
  }
}

/** What broke outside is said in a sentence; anything else with its stack. */
function reasonOf(error: unknown): Readonly<Record<string, unknown>> {
  return error instanceof Fault ? { fault: error.code, why: error.message } : { err: error }
}

function pause(lengthMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, lengthMs)
    signal.addEventListener('abort', done, { once: true })
  })
}
