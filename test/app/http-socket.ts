/** HTTP by the byte: requests that are begun and not finished, so that they are under way for as long as a test wants. */
import { connect, type Socket } from 'node:net'
import { until } from '../edges/sip/process.ts'
import type { Daemon } from './bench.ts'

export class HttpSocket {
  readonly #socket: Socket
  #heard = ''
  #closed = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => {
      this.#heard += bytes.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#closed = true
    })
  }

  /** What the daemon said until now. */
  get heard(): string {
    return this.#heard
  }

  static async open({ port }: Daemon): Promise<HttpSocket> {
    const socket = connect(port, '127.0.0.1')
    const opened = new HttpSocket(socket)
    await until('the connection is made', () => socket.readyState === 'open')
    return opened
  }

  /** The daemon has read the head of a POST, and waits for its body. */
  static async begun(daemon: Daemon, path: string, body: string): Promise<HttpSocket> {
    const socket = await HttpSocket.open(daemon)
    socket.send(
      [
        `POST ${path} HTTP/1.1`,
        'Host: tollgate',
        `Authorization: Bearer ${daemon.key}`,
        'Content-Type: application/json',
        `Content-Length: ${Buffer.byteLength(body)}`,
        'Expect: 100-continue',
        '',
        '',
      ].join('\r\n'),
    )
    await socket.hears('100 Continue')
    return socket
  }

  send(text: string): void {
    this.#socket.write(text)
  }

  async hears(words: string): Promise<string> {
    await until(`the answer says "${words}"`, () => this.#heard.includes(words), { explain: () => this.#heard })
    return this.#heard
  }

  /** All that was heard, when the daemon has closed the connection. */
  async ends(): Promise<string> {
    await until('the connection is closed', () => this.#closed)
    return this.#heard
  }

  close(): void {
    this.#socket.destroy()
  }
}
