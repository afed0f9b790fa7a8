/** The frames of drachtio's admin protocol: `<bytes>#<id>|<word>|...`, then CR LF and SIP text where there is any. */
import { randomUUID } from 'node:crypto'

export interface Frame {
  readonly id: string
  /** What stands between the bars, from the word that says what it is. */
  readonly words: readonly string[]
  /** Empty when the frame has none. */
  readonly sip: string
}

/** A longer frame is never answered by the real server, nor is any after it. */
const MOST_BYTES = 12_228

/** Cuts what comes from one connection into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0)
  #deaf = false

  /** Throws on a length that is none. */
  read(chunk: Buffer): Frame[] {
    if (this.#deaf) return []
    this.#rest = Buffer.concat([this.#rest, chunk])
    const frames: Frame[] = []
    for (let payload = this.#next(); payload !== undefined; payload = this.#next()) frames.push(frame(payload))
    return frames
  }

  #next(): string | undefined {
    const end = this.#rest.indexOf('#')
    const digits = this.#rest.toString('latin1', 0, end < 0 ? Math.min(this.#rest.length, 6) : end)
    if (!/^\d{0,5}$/.test(digits) || digits.length === 0) {
      if (this.#rest.length === 0) return undefined
      throw new Error(`not a length: ${digits}`)
    }
    if (end < 0) return undefined
    const bytes = Number(digits)
    if (bytes > MOST_BYTES) {
      this.#deaf = true
      return undefined
    }
    if (this.#rest.length < end + 1 + bytes) return undefined
    const payload = this.#rest.toString('utf8', end + 1, end + 1 + bytes)
    this.#rest = this.#rest.subarray(end + 1 + bytes)
    return payload
  }
}

function frame(payload: string): Frame {
  const end = payload.indexOf('\r\n')
  const [id = '', ...words] = (end < 0 ? payload : payload.slice(0, end)).split('|')
  return { id, words, sip: end < 0 ? '' : payload.slice(end + 2) }
}

/** One frame as it goes out, with an id of its own. */
export function frameText(words: readonly string[], sip?: string): string {
  const payload = [randomUUID(), ...words].join('|') + (sip === undefined ? '' : `\r\n${sip}`)
  return `${Buffer.byteLength(payload)}#${payload}`
}

/** As in every frame: hours to microseconds in UTC, and no date. */
export function frameTime(): string {
  const [, time = ''] = /T(.*)Z/.exec(new Date().toISOString()) ?? []
  return `${time}${String(Math.floor(performance.now() * 1_000) % 1_000).padStart(3, '0')}`
}
