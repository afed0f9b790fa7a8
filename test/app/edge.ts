/**
 * A busy edge: calls in parallel, each authorized, started and stopped over HTTP. It does what edges do when they get no
 * decision or no receipt: a call that is denied is not made, an event that was not taken is sent again.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Answer, Daemon } from './bench.ts'

export interface EdgeSettings {
  readonly account: string
  /** Asked for each request, as the daemon may be another one by then. */
  readonly daemon: () => Daemon
  readonly parallel: number
  /** An authorize without any answer is asked again, as an edge with a second daemon does; else it is a broken one. */
  readonly repeats?: boolean
  /** Begins its Call-IDs, where one edge is not enough. */
  readonly stem?: string
}

interface Stopped {
  readonly call: string
  readonly seconds: number
  /** As the daemon said when it took the stop. */
  readonly charge: string
}

const REPEAT_MS = 50
const GIVE_UP_MS = 10_000

export class Edge {
  /** Calls that were let through, by call id, with the daemon's id of them. */
  readonly allowed = new Map<string, string>()
  readonly stopped = new Map<string, Stopped>()
  /** How often each code refused a call. */
  readonly denied = new Map<string, number>()
  /** How often each HTTP status and problem code refused an event for now. */
  readonly putOff = new Map<string, number>()
  /** Whatever an edge should never see. */
  readonly broken: string[] = []
  slowestMs = 0
  readonly #settings: EdgeSettings
  readonly #working: Promise<void>[] = []
  #going = true
  #calls = 0

  constructor(settings: EdgeSettings) {
    this.#settings = settings
    for (let worker = 0; worker < settings.parallel; worker += 1) this.#working.push(this.#work())
  }

  /** No new calls; resolves when those that are up are over. */
  async stop(): Promise<void> {
    this.#going = false
    await Promise.all(this.#working)
  }

  async #work(): Promise<void> {
    while (this.#going) {
      this.#calls += 1
      const callId = `${this.#settings.stem ?? 'call'}-${this.#calls}`
      const seconds = 1 + (this.#calls % 5)
      try {
        await this.#call(callId, seconds)
      } catch (error) {
        this.broken.push(`${callId}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }

  async #call(callId: string, seconds: number): Promise<void> {
    const { account, repeats = false } = this.#settings
    const asked = { account, callId, direction: 'outbound', from: '+12125550100', to: '+442079460958' }
    const { status, body } = await this.#until('/v1/calls/authorize', asked, () => repeats)
    if (status !== 200) throw new Error(`authorize: ${status} ${JSON.stringify(body)}`)
    if (body['allow'] !== true) {
      count(this.denied, `${String(body['code'])} ${String(body['sipCode'])}`)
      // Callers try again after a while, not at once.
      await pause(REPEAT_MS)
      return
    }
    this.allowed.set(callId, String(body['call']))
    await this.#tell({ type: 'start', callId })
    const taken = await this.#tell({ type: 'stop', callId, seconds })
    this.stopped.set(callId, { call: String(taken['call']), seconds, charge: String(taken['charge']) })
  }

  async #tell(event: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
    const { body } = await this.#until('/v1/calls/events', event, () => true)
    return (body['results'] as readonly Record<string, unknown>[])[0]!
  }

  /** Until there is an answer other than "not now". */
  async #until(path: string, asked: unknown, again: () => boolean): Promise<Answer> {
    const giveUpAtMs = Date.now() + GIVE_UP_MS
    for (;;) {
      const answer = await this.#ask(path, asked)
      if (answer && answer.status !== 503) return answer
      if (answer) count(this.putOff, `${answer.status} ${String(answer.body['code'])}`)
      if (!again() || Date.now() > giveUpAtMs) throw new Error(`${path}: ${answer?.status ?? 'no answer'}`)
      await pause(REPEAT_MS)
    }
  }

  /** Undefined when the connection broke; an edge with one daemon only sees that when the daemon is gone. */
  async #ask(path: string, body: unknown): Promise<Answer | undefined> {
    const startedMs = performance.now()
    try {
      return await this.#settings.daemon().ask('POST', path, { body })
    } catch (error) {
      if (this.#settings.repeats) return undefined
      throw new Error(`${path}: no answer`, { cause: error })
    } finally {
      this.slowestMs = Math.max(this.slowestMs, performance.now() - startedMs)
    }
  }
}

function count(counts: Map<string, number>, word: string): void {
  counts.set(word, (counts.get(word) ?? 0) + 1)
}
