/** Cuts what comes over one TCP connection into SIP messages (RFC 3261, section 18.3). */
import { SipMessage } from './sip-message.ts'

const END = '\r\n\r\n'

export class SipReader {
  #rest: Buffer = Buffer.alloc(0)

  read(chunk: Buffer): SipMessage[] {
    this.#rest = Buffer.concat([this.#rest, chunk])
    const messages: SipMessage[] = []
    for (let text = this.#next(); text !== undefined; text = this.#next()) {
      const message = SipMessage.parse(text)
      if (message) messages.push(message)
    }
    return messages
  }

  #next(): string | undefined {
    // Empty lines between messages keep the connection alive.
    while (this.#rest[0] === 13 || this.#rest[0] === 10) this.#rest = this.#rest.subarray(1)
    const end = this.#rest.indexOf(END)
    if (end < 0) return undefined
    const head = this.#rest.toString('utf8', 0, end)
    const bytes = end + END.length + Number(/^(?:content-length|l)\s*:\s*(\d+)/im.exec(head)?.[1] ?? 0)
    if (this.#rest.length < bytes) return undefined
    const text = this.#rest.toString('utf8', 0, bytes)
    this.#rest = this.#rest.subarray(bytes)
    return text
  }
}
