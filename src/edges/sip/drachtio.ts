/**
 * What we use of drachtio-srf, typed as it really is: its own typings are looser than its code. Nothing else imports it.
 *
 * Its promises may stay open for ever when the socket to the server breaks, so each of them is waited for by `inTime`.
 */
import type { EventEmitter } from 'node:events'
import Srf from 'drachtio-srf'

export type Headers = Readonly<Record<string, string>>

export interface Address {
  readonly name?: string
  readonly uri: string
  readonly params?: Readonly<Record<string, string | null>>
}

export interface SipUri {
  readonly scheme: string
  readonly user?: string
  readonly host?: string
}

export type AddressHeader = 'from' | 'to' | 'contact' | 'p-asserted-identity'

export interface SipMessage {
  readonly headers: Headers
  readonly body?: string
  get(name: string): string | undefined
  has(name: string): boolean
  /** Throws where the header is absent or cannot be read. */
  getParsedHeader(name: AddressHeader): Address | readonly Address[]
}

export interface SipRequest extends SipMessage, EventEmitter {
  readonly method: string
  readonly uri: string
  readonly source_address: string
  readonly protocol: string
  /** When it came to the server, or went from it, by its clock. */
  readonly stackTime?: string
  readonly stackDialogId?: string
  /** The server's own name of it. */
  readonly stackTxnId: string
}

/** Of a request that came: to be sent; of one that we sent: received. */
export interface SipResponse extends SipMessage {
  readonly status: number
  readonly reason: string
  readonly finalResponseSent: boolean
  readonly stackTime?: string
  send(
    status: number,
    reason: string | undefined,
    content?: { readonly headers?: Headers; readonly body?: string },
  ): void
}

export type Ack = (content?: { readonly body?: string }) => void

export interface InDialog {
  readonly method: string
  readonly headers?: Headers
  readonly body?: string
  /** Of an INVITE without SDP: the ACK with it is sent by whoever gets the answer. */
  readonly noAck?: boolean
}

export interface SipDialog extends EventEmitter {
  readonly id: string
  readonly sip: { readonly callId: string }
  readonly res: SipResponse
  readonly remote: { sdp?: string }
  /** False from its BYE on, which may be heard before anybody could listen for it. */
  readonly connected: boolean
  queueRequests: boolean
  /** Those that came meanwhile. */
  readonly queuedRequests: readonly { readonly req: SipRequest }[]
  destroy(options: { readonly headers?: Headers }, done: (error: unknown) => void): void
  request(content: InDialog, done: (error: unknown, response?: SipResponse, ack?: Ack) => void): void
}

/** A far end that answered an INVITE without SDP: its offer waits for the caller's answer. */
export interface OfferFromFar {
  readonly sdp: string
  readonly res: SipResponse
  ack(sdp: string): Promise<SipDialog>
  destroy(): Promise<void>
}

export interface ByDialogId extends InDialog {
  readonly stackDialogId: string
  readonly uri: string
}

/** Of an INVITE that was sent. */
export interface Cancel {
  readonly method: 'CANCEL'
  readonly uri: string
  readonly stackTxnId: string
  readonly headers: Headers
}

export interface UacOptions {
  readonly uri: string
  readonly headers: Headers
  readonly localSdp?: string
  readonly noAck?: boolean
}

export interface UacProgress {
  readonly cbRequest: (error: unknown, request?: SipRequest) => void
  readonly cbProvisional: (response: SipResponse) => void
}

/** A request has a method, an answer has none. */
export interface CdrMessage extends SipMessage {
  readonly method?: string
}

/** Where it came from, when by the server's clock and without a date, why, and the message. */
export type CdrStop = readonly [source: string, time: string, reason: string, message: CdrMessage]

export interface Proxied {
  /** Whether a 200 came; with more than two hops, of which one was silent, it may be false all the same. */
  readonly connected: boolean
}

export interface DrachtioClient {
  connect(options: {
    readonly host: string
    readonly port: number
    readonly secret: string
    readonly reconnect: { readonly retryMaxDelay?: number; readonly maxAttempts?: number }
    readonly enablePing: boolean
  }): void
  disconnect(): void
  on(event: 'connect', listener: (error: Error | null, hostPort?: string) => void): this
  on(event: 'error', listener: (error: Error) => void): this
  on(event: 'close', listener: () => void): this
  on(event: 'cdr:stop', listener: (...stop: CdrStop) => void): this
  invite(handler: (request: SipRequest, response: SipResponse) => void): void
  options(handler: (request: SipRequest, response: SipResponse) => void): void
  /** Also within a call, while it is not answered. */
  info(handler: (request: SipRequest, response: SipResponse) => void): void
  prack(handler: (request: SipRequest, response: SipResponse) => void): void
  unregisterForMessages(what: string): void
  reregisterForMessages(what: string): void
  /** Tries the targets in their order, whatever they refuse with; resolves when one has answered or none will. */
  proxyRequest(
    request: SipRequest,
    targets: string[],
    options: { readonly recordRoute: boolean; readonly provisionalTimeout: string },
  ): Promise<Proxied>
  createUAS(
    request: SipRequest,
    response: SipResponse,
    content: { readonly headers: Headers; readonly localSdp: string },
  ): Promise<SipDialog>
  createUAC(options: UacOptions, progress: UacProgress): Promise<SipDialog | OfferFromFar>
  /** Hears no more of it; at the server it goes on. */
  removeDialog(dialog: SipDialog): void
  /** Calls back with the request as it was sent; its answers come as `response` events. */
  request(
    uri: string,
    content: ByDialogId | Cancel,
    sent: (error: (Error & { readonly code?: string }) | null, request?: SipRequest) => void,
  ): void
}

export function newClient(): DrachtioClient {
  return new Srf() as unknown as DrachtioClient
}

/**
 * The library tells CANCELs by their Call-ID alone, and forgets an INVITE that is under way when another of its Call-ID is
 * answered: the one that goes on, neither answered nor cancelled, is made known again.
 */
export function heedCancel(request: SipRequest, response: SipResponse): void {
  pendingOf(request)?.set(callIdOf(request), { req: request, res: response })
}

/** The library keeps an INVITE until it is answered: one that will not be is let go of. */
export function forgetInvite(request: SipRequest): void {
  pendingOf(request)?.delete(callIdOf(request))
}

type Pending = Map<string, { readonly req: SipRequest; readonly res: SipResponse }>

/** INVITEs without an answer that came over the same connection, by Call-ID. */
function pendingOf(request: SipRequest): Pending | undefined {
  const { agent, socket } = request as unknown as Routed
  return agent.mapServer.get(socket)?.pendingNetworkInvites
}

function callIdOf(request: SipRequest): string {
  return request.get('call-id') ?? ''
}

interface Routed {
  readonly agent: { readonly mapServer: ReadonlyMap<unknown, { readonly pendingNetworkInvites: Pending }> }
  readonly socket: unknown
}

/** What the library answers by itself repeats what it was sent: a frame that the server does not take is not sent. */
export function withhold(client: DrachtioClient, isTooLarge: (frame: string) => boolean, log: () => void): void {
  const { wp } = (client as unknown as Connected).app.client
  const send = wp.send.bind(wp)
  wp.send = (socket, frame) => {
    if (!isTooLarge(frame)) return send(socket, frame)
    log()
    return ''
  }
}

interface Connected {
  readonly app: { readonly client: { readonly wp: { send(socket: unknown, frame: string): string } } }
}

/** Undefined where it is no SIP URI. */
export function parseUri(uri: string): SipUri | undefined {
  const parsed: SipUri | undefined = Srf.parseUri(uri)
  return parsed
}

export interface FarRefusal {
  readonly status: number
  readonly reason: string
  readonly res?: SipResponse
}

/** The far end's refusal; undefined for anything else that went wrong. */
export function refusalOf(error: unknown): FarRefusal | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined
  const { status, reason, res } = error as unknown as Partial<FarRefusal>
  return { status: status ?? 0, reason: reason ?? '', ...(res === undefined ? {} : { res }) }
}
