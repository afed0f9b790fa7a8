/**
 * The stream of events to many clients: one look at the store for all of them says that there is something new, and each
 * reads it from its own place, so that a slow client costs no memory and holds up nobody.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { AccountEvent } from '../../../events/event.ts'
import type { EventLog, LoggedEvent } from '../../../events/event-stream.ts'
import { eventMessage } from '../../events/message.ts'

const LOOK_MS = 250
const HEARTBEAT_MS = 15_000
const RECONNECT_MS = 2_000
const PAGE = 100

export interface HubParts {
  readonly log: EventLog
  /** Clients at once. */
  readonly most: () => number
}

export interface Listener {
  /** The place to go on from; from now on where absent. */
  readonly cursor?: string
  readonly wants: (event: AccountEvent) => Promise<boolean>
  /** Asked at the start and again and again; false ends the stream. */
  readonly beats: () => Promise<boolean>
  /** The client is gone. */
  readonly signal: AbortSignal
}

export class EventHub {
  readonly #parts: HubParts
  readonly #stopped = new AbortController()
  #clients = 0
  #newest: string | undefined
  #look: Promise<void> | undefined

  constructor(parts: HubParts) {
    this.#parts = parts
  }

  get isFull(): boolean {
    return this.#clients >= this.#parts.most()
  }

  /** Ends every stream: clients go on at another daemon from where they were. */
  stop(): void {
    this.#stopped.abort()
  }

  /** Text of a server-sent event stream. */
  async *stream(listener: Listener): AsyncGenerator<string> {
    this.#clients += 1
    try {
      yield `retry: ${RECONNECT_MS}\n\n`
      yield* this.#events(listener, AbortSignal.any([listener.signal, this.#stopped.signal]))
    } finally {
      this.#clients -= 1
    }
  }

  async *#events({ cursor: from, wants, beats }: Listener, signal: AbortSignal): AsyncGenerator<string> {
    const { log } = this.#parts
    let cursor = from ?? (await log.newest())
    let beatAtMs = 0
    while (!signal.aborted) {
      if (performance.now() >= beatAtMs) {
        if (!(await beats())) return
        beatAtMs = performance.now() + HEARTBEAT_MS
        // The place of those for whom there was nothing moves on as well.
        yield `: \nid: ${cursor}\n\n`
      }
      const found = this.#newest === cursor ? [] : await log.after(cursor, PAGE)
      for (const logged of found) {
        cursor = logged.cursor
        if (await wants(logged.event)) yield textOf(logged)
      }
      if (found.length === 0) await this.#nextLook()
    }
  }

  /** Shared by all clients. */
  #nextLook(): Promise<void> {
    this.#look ??= this.#lookLater().finally(() => {
      this.#look = undefined
    })
    return this.#look
  }

  async #lookLater(): Promise<void> {
    const { signal } = this.#stopped
    await pause(LOOK_MS, undefined, { signal }).catch(() => undefined)
    if (!signal.aborted) this.#newest = await this.#parts.log.newest()
  }
}

function textOf({ cursor, event }: LoggedEvent): string {
  const data = JSON.stringify({ id: event.id, ...eventMessage(event) })
  return `id: ${cursor}\nevent: ${event.type}\ndata: ${data}\n\n`
}
