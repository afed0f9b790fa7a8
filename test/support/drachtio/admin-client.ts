/** Speaks to an admin port frame by frame: what an app's library would hide. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { frameText, FrameReader } from './frames.ts'

const ANSWER_MS = 2_000

export class AdminClient {
  readonly #socket: Socket
  readonly #waiting = new Map<string, (words: readonly string[]) => void>()

  private constructor(socket: Socket) {
    this.#socket = socket
    const reader = new FrameReader()
    socket.on('error', () => undefined)
    socket.on('data', (bytes: Buffer) => {
      for (const { words } of reader.read(bytes)) {
        const [, asked = '', ...answer] = words
        this.#waiting.get(asked)?.(answer)
      }
    })
  }

  static async open(port: number): Promise<AdminClient> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect', { signal: AbortSignal.timeout(ANSWER_MS) })
    return new AdminClient(socket)
  }

  /** The words of the answer, of which the first is OK, NO or NOK; throws when there is none in time. */
  async ask(words: readonly string[], sip?: string): Promise<readonly string[]> {
    const text = frameText(words, sip)
    const id = /#([^|]+)/.exec(text)?.[1] ?? ''
    const answer = Promise.withResolvers<readonly string[]>()
    const late = setTimeout(() => answer.reject(new Error(`no answer to ${words[0]}`)), ANSWER_MS)
    this.#waiting.set(id, answer.resolve)
    this.#socket.write(text)
    try {
      return await answer.promise
    } finally {
      clearTimeout(late)
      this.#waiting.delete(id)
    }
  }

  /** Looks for a dialog without a word to its phone: the server finds it first, and then refuses a method that is none. */
  async has(dialogId: string): Promise<boolean> {
    const [, why = ''] = await this.ask(['sip', '', dialogId], 'LOOKUP sip:placeholder SIP/2.0\r\n\r\n')
    return why.includes('method')
  }

  close(): void {
    this.#socket.destroy()
  }
}
