/** What the parts of a double share, and how they write what they tell an app. */
import type { Admin } from './admin.ts'
import type { Cdrs } from './cdrs.ts'
import type { Dialog, Dialogs } from './dialogs.ts'
import { frameTime } from './frames.ts'
import { SipMessage, type Address } from './sip-message.ts'
import type { Timers } from './timers.ts'
import type { ClientTransaction, ResponseHandler, Transactions } from './transactions.ts'
import type { Wire } from './wire.ts'

export interface Core {
  readonly wire: Wire
  readonly timers: Timers
  readonly transactions: Transactions
  readonly dialogs: Dialogs
  readonly cdrs: Cdrs
  readonly admin: () => Admin
  readonly leastSessionSeconds: number
}

/** Headers that the server writes by itself, whatever an app sends. */
const OWN_HEADERS = new Set(['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Content-Length', 'Record-Route', 'Contact'])

/** Who a message came from or went to, as frames have it. */
export function meta(source: 'network' | 'application', message: SipMessage, address: Address): string[] {
  const bytes = Buffer.byteLength(message.toString())
  return [source, String(bytes), address.transport ?? 'udp', address.host, String(address.port), frameTime()]
}

/** The headers of an app and its body; a body that looks like SDP needs no Content-Type. */
export function addFromApp(message: SipMessage, given: SipMessage): void {
  for (const [name, value] of given.headers) {
    if (OWN_HEADERS.has(name)) continue
    if (name === 'Max-Forwards') message.set(name, value)
    else message.add(name, value)
  }
  message.body = given.body
  if (given.body.startsWith('v=0') && given.get('Content-Type') === '') message.add('Content-Type', 'application/sdp')
}

/** An app writes localhost and means the server. */
export function localised(core: Core, value: string): string {
  const written = value.includes('<') ? value : value.replace(/^[^;]*/, (uri) => `<${uri.trim()}>`)
  return written.replace(
    /(sips?:(?:[^@>;]*@)?)localhost(?::\d+)?/i,
    (_, start: string) => `${start}127.0.0.1:${core.wire.port}`,
  )
}

/** For whoever is at an address. */
export function ownContact(core: Core, other: Address): string {
  return `<${core.wire.uri(other)}>`
}

/** Sends a request inside a dialog; nothing when it leads nowhere. */
export function sendInside(
  core: Core,
  { dialog, request }: { dialog: Dialog; request: SipMessage },
  onResponse: ResponseHandler,
): ClientTransaction | undefined {
  const to = dialog.nextHop(request.uri)
  return to && core.transactions.send(request, to, onResponse)
}

/** Sends an ACK, which has no transaction; returns where it went. */
export function sendAck(core: Core, { dialog, ack }: { dialog: Dialog; ack: SipMessage }): Address {
  const to = dialog.nextHop(ack.uri) ?? core.wire.address
  core.transactions.stamp(ack, to)
  dialog.sentAck = ack
  core.wire.send(ack, to)
  return to
}

/** A 2xx that comes again has not seen its ACK. */
export function repeatAck(core: Core, { dialog, response }: { dialog: Dialog; response: SipMessage }): void {
  const to = dialog.nextHop(dialog.target)
  if (to && dialog.sentAck?.cseq === response.cseq) core.wire.send(dialog.sentAck, to)
}

/** RFC 3261, 9.1. */
export function cancelOf(request: SipMessage): SipMessage {
  const cancel = SipMessage.request('CANCEL', request.uri)
  cancel.add('Via', request.get('Via'))
  for (const name of ['Route', 'From', 'To', 'Call-ID']) for (const value of request.all(name)) cancel.add(name, value)
  cancel.add('Max-Forwards', '70')
  cancel.add('CSeq', `${request.cseq} CANCEL`)
  return cancel
}
