/** The addresses in a message, which may say anything. */
import { type Address, type AddressHeader, parseUri, type SipMessage } from './drachtio.ts'

/** The first address of a header; undefined where there is none that can be read. */
export function addressIn(message: SipMessage, name: AddressHeader): Address | undefined {
  if (!message.has(name)) return undefined
  try {
    return [message.getParsedHeader(name)].flat()[0]
  } catch {
    return undefined
  }
}

/** Whether it says where its phone takes requests of a dialog: none can be made with one that does not. */
export function isReachable(message: SipMessage): boolean {
  return parseUri(addressIn(message, 'contact')?.uri ?? '')?.host !== undefined
}

/**
 * Whether any answer to this INVITE would end drachtio-server (v0.9.10) and with it every call there: over UDP it looks for the
 * host of the caller's Contact, which `*` and `tel:` have not. Without an answer the server forgets it after 64 s.
 */
export function isDeadly(invite: SipMessage): boolean {
  return invite.has('contact') && !isReachable(invite)
}
