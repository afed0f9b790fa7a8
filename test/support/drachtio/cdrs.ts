/** The CDR events of a double. Each goes once, to one app that registered for it, and is lost when there is none. */
import type { Admin, Client } from './admin.ts'
import { frameTime } from './frames.ts'
import type { SipMessage } from './sip-message.ts'

export type CdrSource = 'network' | 'application'
export type StartRole = 'uac' | 'uas' | 'proxy-uac' | 'proxy-uas'
export type StopReason =
  'call-rejected' | 'call-canceled' | 'normal-release' | 'session-expired' | 'system-initiated-termination'

/** What the network between has been seen to do to them. */
export interface CdrFaults {
  /** Each cdr:stop comes twice. */
  readonly stopTwice?: boolean
  /** A call's cdr:start is held back until its cdr:stop has gone. */
  readonly stopBeforeStart?: boolean
  /** To another app than the one that got the INVITE, where there is one. */
  readonly toOthers?: boolean
}

interface Event {
  readonly words: readonly string[]
  readonly message: SipMessage
}

export class Cdrs {
  faults: CdrFaults = {}
  readonly #admin: () => Admin
  readonly #invited = new Map<string, Client>()
  #held: Event[] = []

  constructor(admin: () => Admin) {
    this.#admin = admin
  }

  /** Who got the INVITE of a call. */
  invited(callId: string, client: Client): void {
    this.#invited.set(callId, client)
  }

  attempt(source: CdrSource, message: SipMessage): void {
    this.#send({ words: ['cdr:attempt', source, frameTime()], message })
  }

  start(source: CdrSource, role: StartRole, message: SipMessage): void {
    const event = { words: ['cdr:start', source, frameTime(), role], message }
    if (this.faults.stopBeforeStart) this.#held.push(event)
    else this.#send(event)
  }

  stop(source: CdrSource, reason: StopReason, message: SipMessage): void {
    const event = { words: ['cdr:stop', source, frameTime(), reason], message }
    this.#send(event)
    if (this.faults.stopTwice) this.#send(event)
    const ofCall = (held: Event): boolean => held.message.get('Call-ID') === message.get('Call-ID')
    const late = this.#held.filter(ofCall)
    this.#held = this.#held.filter((held) => !ofCall(held))
    for (const start of late) this.#send(start)
  }

  #send({ words, message }: Event): void {
    const except = this.faults.toOthers ? this.#invited.get(message.get('Call-ID')) : undefined
    this.#admin()
      .next(words[0] ?? '', except)
      ?.send(words, message.toString())
  }
}
