/** What one side says while a call is up, for the other: re-INVITE, UPDATE, INFO, REFER and the like. */
import type { Ack, Headers, SipDialog, SipRequest, SipResponse } from './drachtio.ts'
import { bodyType, copied, type Copying } from './headers.ts'
import { relay, type Relayed } from './relay.ts'
import { fits } from './size.ts'

/** A transaction is over after this (RFC 3261, timer F). */
const ANSWER_MS = 32_000

/** What they are about, so they go with them whatever else is copied. */
const ALWAYS = ['refer-to', 'referred-by', 'event', 'subscription-state', 'info-package', 'content-disposition']

const PASSED = ['info', 'refer', 'message', 'notify'] as const

export interface Side {
  readonly dialog: SipDialog
  /** Its session timer; absent where it has none. */
  readonly sessionSeconds?: number
}

/** From now on the two hear each other. */
export function joinSides(one: Side, other: Side, copying: Copying): void {
  passOn(one, other, withAlways(copying))
  passOn(other, one, withAlways(copying))
}

export function withAlways(copying: Copying): Copying {
  return { ...copying, names: [...copying.names, ...ALWAYS] }
}

function passOn(from: Side, to: Side, copying: Copying): void {
  const { dialog } = from
  for (const method of PASSED) {
    dialog.on(method, (request: SipRequest, response: SipResponse) => pass({ request, response, from, to, copying }))
  }
  dialog.on('update', (request: SipRequest, response: SipResponse) => {
    // One without SDP refreshes the session timer of this side, which is ours.
    if (request.body) pass({ request, response, from, to, copying })
    else response.send(200, undefined, { headers: refreshed(request) })
  })
  dialog.on('modify', (request: SipRequest, response: SipResponse) => {
    pass({ request, response, from, to, copying })
  })
}

interface Passing {
  readonly request: SipRequest
  readonly response: SipResponse
  readonly from: Side
  readonly to: Side
  readonly copying: Copying
}

function pass({ from, to, ...asked }: Passing): void {
  forward({
    ...asked,
    to: to.dialog,
    more: timerOf(asked.request.method, to),
    onAck: (ack) => acknowledgeWith(from.dialog, ack),
    instead: (answer) => answer(481),
  })
}

type Answer = (status: number, content?: Omit<Relayed, 'status'>) => void

export interface Forwarding {
  readonly request: SipRequest
  readonly response: SipResponse
  readonly copying: Copying
  readonly to: Pick<SipDialog, 'request'>
  readonly more?: Headers
  /** The offer was the other side's: what this one answers comes with its ACK. */
  readonly onAck?: (ack: Ack) => void
  /** What is answered where the other side cannot be asked. */
  readonly instead: (answer: Answer) => void
}

/** By `dialog.request`: after a `dialog.modify` that was refused the next one would never come back. */
export function forward({ request, response, copying, to, more, onAck, instead }: Forwarding): void {
  const { method, body } = request
  const answer = once(response)
  const headers = { ...copied(request, copying), ...bodyType(request), ...more }
  const isLateOffer = method === 'INVITE' && !body
  const content = { method, headers, ...(body ? { body } : {}), ...(isLateOffer ? { noAck: true } : {}) }
  if (!fits(content)) return answer(513)
  const late = setTimeout(() => answer(408), ANSWER_MS)
  to.request(content, (error, theirs, ack) => {
    clearTimeout(late)
    if (error || !theirs) return instead(answer)
    if (ack) onAck?.(ack)
    const ours = { ...copied(theirs, copying), ...bodyType(theirs), ...refreshed(request) }
    const { status, reason, body } = theirs
    answer(status, { reason, headers: ours, body })
  })
}

function once(response: SipResponse): Answer {
  return (status, content = { headers: {} }) => {
    if (!response.finalResponseSent) relay(response, { status, ...content })
  }
}

function acknowledgeWith(dialog: SipDialog, ack: Ack): void {
  dialog.once('ack', (request: SipRequest) => ack(request.body && fits(request) ? { body: request.body } : {}))
}

/** A re-INVITE without it would end the session timer (RFC 4028, section 7.4). */
function timerOf(method: string, { sessionSeconds }: Side): Headers {
  if (sessionSeconds === undefined || (method !== 'INVITE' && method !== 'UPDATE')) return {}
  return { 'Session-Expires': `${sessionSeconds};refresher=uas`, Supported: 'timer' }
}

/** Who refreshes goes on refreshing. */
function refreshed(request: SipRequest): Headers {
  const seconds = sessionSecondsOf(request.get('session-expires'))
  return seconds === undefined ? {} : { 'Session-Expires': `${seconds};refresher=uac`, Require: 'timer' }
}

/** Of a Session-Expires header. */
export function sessionSecondsOf(header: string | undefined): number | undefined {
  const seconds = Number.parseInt(header ?? '', 10)
  return Number.isSafeInteger(seconds) ? seconds : undefined
}
