/** Stands between apps and the admin port of a real drachtio-server: what happens to their connections is up to the test. */
import { connect, createServer, type Server, type Socket } from 'node:net'

/** As frames name a dialog; the bars are those of the frame. */
const DIALOG_ID = /\|([^|\r\n]+;from-tag=[^|\r\n]+)\|/g
/** The server drops all routes of who removes one. */
const ROUTE = /\|(remove_)?route\|([a-z:]+)/g
/** A name may come in two pieces. */
const LONGEST_NAME = 512

export class AdminRelay {
  readonly port: number
  /** What apps say does not get through while this holds. */
  silent = false
  /** Of the dialogs that the server has named. */
  readonly dialogIds = new Set<string>()
  readonly #listener: Server
  /** What each asked for. */
  readonly #apps = new Map<Socket, Set<string>>()

  private constructor(listener: Server, port: number) {
    this.#listener = listener
    this.port = port
  }

  static async open(port: number, serverPort: number): Promise<AdminRelay> {
    const listener = createServer((app) => relay.#join(app, serverPort))
    const relay = new AdminRelay(listener, port)
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject)
      listener.listen(port, '127.0.0.1', () => resolve())
    })
    return relay
  }

  takers(verb: string): number {
    return [...this.#apps.values()].filter((verbs) => verbs.has(verb)).length
  }

  drop(): void {
    for (const app of this.#apps.keys()) app.destroy()
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()))
    this.drop()
    await closed
  }

  #join(app: Socket, serverPort: number): void {
    const server = connect(serverPort, '127.0.0.1')
    const verbs = new Set<string>()
    this.#apps.set(app, verbs)
    let before = ''
    app.on('data', (bytes) => {
      if (this.silent) return
      server.write(bytes)
      for (const [, removed, verb = ''] of bytes.toString('latin1').matchAll(ROUTE)) {
        if (removed) verbs.clear()
        else verbs.add(verb)
      }
    })
    server.on('data', (bytes) => {
      app.write(bytes)
      const text = before + bytes.toString('latin1')
      for (const [, id = ''] of text.matchAll(DIALOG_ID)) this.dialogIds.add(id)
      before = text.slice(-LONGEST_NAME)
    })
    for (const [one, other] of [
      [app, server],
      [server, app],
    ] as const) {
      one.setNoDelay(true)
      one.on('error', () => undefined)
      one.on('close', () => {
        this.#apps.delete(app)
        other.destroy()
      })
    }
  }
}
