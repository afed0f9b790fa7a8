/** The connection to one drachtio-server: made again when it breaks, and the only way to its calls. */
import type { Logger } from '../../observe/log.ts'
import {
  type CdrStop,
  type DrachtioClient,
  newClient,
  type SipRequest,
  type SipResponse,
  withhold,
} from './drachtio.ts'
import type { SipServerSettings } from './parts.ts'
import { Seldom } from './seldom.ts'
import { MOST_FRAME_BYTES } from './size.ts'

/** Without a bound drachtio-srf waits longer each time. */
const RECONNECT_MOST_MS = 2_000

/** What the server sends us besides. */
const NOT_INVITES = ['options', 'info', 'prack', 'cdr:stop'] as const

export interface LinkEvents {
  onInvite(link: DrachtioLink, request: SipRequest, response: SipResponse): void
  onOptions(request: SipRequest, response: SipResponse): void
  /** An INFO or PRACK that is in no call that was answered. */
  onEarly(request: SipRequest, response: SipResponse): void
  /** A call or a leg of one ended; of those whose worker is gone nobody else hears. */
  onStop(link: DrachtioLink, stop: CdrStop): void
  onConnected(link: DrachtioLink): void
  /** Nothing is heard any more of the dialogs that were set up over it. */
  onLost(link: DrachtioLink): void
}

export class DrachtioLink {
  readonly client: DrachtioClient
  /** `host:port` of the admin side. */
  readonly name: string
  readonly #settings: SipServerSettings
  readonly #log: Logger
  readonly #refused: Seldom<Error>
  #isConnected = false
  #lost = new AbortController()
  #isClosed = false

  constructor(settings: SipServerSettings, events: LinkEvents, log: Logger) {
    this.#settings = settings
    this.#log = log
    this.name = `${settings.host}:${settings.port}`
    this.client = newClient()
    this.#refused = new Seldom(({ message: why }, times) =>
      log.error({ server: this.name, why, times }, 'drachtio-server refuses us'),
    )
    this.#listen(events)
  }

  get isConnected(): boolean {
    return this.#isConnected
  }

  /** Aborts when the connection that there is now breaks. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  open(): void {
    const { host, port, secret } = this.#settings
    const reconnect = { retryMaxDelay: RECONNECT_MOST_MS }
    this.client.connect({ host, port, secret, reconnect, enablePing: true })
    const isTooLarge = (frame: string): boolean => Buffer.byteLength(frame) > MOST_FRAME_BYTES
    withhold(this.client, isTooLarge, () => this.#log.warn({ server: this.name }, 'a message too large was not sent'))
  }

  /** No INVITE comes any more. The server drops all routes of whoever drops one, so the others are asked for again. */
  drain(): void {
    if (!this.#isConnected) return
    for (const what of ['invite', ...NOT_INVITES]) this.client.unregisterForMessages(what)
    for (const what of NOT_INVITES) this.client.reregisterForMessages(what)
  }

  close(): void {
    this.#isClosed = true
    if (this.#isConnected) this.client.disconnect()
  }

  #listen(events: LinkEvents): void {
    const { client, name } = this
    client.invite((request, response) => events.onInvite(this, request, response))
    client.options((request, response) => events.onOptions(request, response))
    client.info((request, response) => events.onEarly(request, response))
    client.prack((request, response) => events.onEarly(request, response))
    client.on('cdr:stop', (...stop) => events.onStop(this, stop))
    // Without a listener an error would end the process; the loss shows as `close`.
    client.on('error', (error) =>
      this.#log.debug({ server: name, why: error.message }, 'drachtio-server is out of reach'),
    )
    client.on('connect', (error) => {
      if (error) return this.#refused.happened(error)
      if (this.#isClosed) return client.disconnect()
      this.#isConnected = true
      this.#lost = new AbortController()
      this.#log.info({ server: name }, 'connected to drachtio-server')
      events.onConnected(this)
    })
    client.on('close', () => {
      if (!this.#isConnected) return
      this.#isConnected = false
      this.#lost.abort()
      if (!this.#isClosed) this.#log.error({ server: name }, 'the connection to drachtio-server broke')
      events.onLost(this)
    })
  }
}
