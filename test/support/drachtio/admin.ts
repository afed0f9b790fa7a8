/** The admin port of a double: its connections, their logins, and which of them gets a request. */
import { createServer, type Server, type Socket } from 'node:net'
import { frameText, FrameReader, type Frame } from './frames.ts'

/** One connected app. */
export class Client {
  readonly routes = new Set<string>()
  readonly #socket: Socket
  #held: string[] | undefined

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** What is said meanwhile goes out in one piece when it is lifted. */
  hold(holds: boolean): void {
    if (this.connected && this.#held) this.#socket.write(this.#held.join(''))
    this.#held = holds ? [] : undefined
  }

  get connected(): boolean {
    return !this.#socket.destroyed && this.#socket.writable
  }

  send(words: readonly string[], sip?: string): void {
    const frame = frameText(words, sip)
    if (this.#held) this.#held.push(frame)
    else if (this.connected) this.#socket.write(frame)
  }

  /** Answers one of its frames. */
  reply(frame: Frame, words: readonly string[], sip?: string): void {
    this.send(['response', frame.id, ...words], sip)
  }

  drop(): void {
    this.#socket.destroy()
  }

  end(): void {
    this.#socket.end()
  }
}

export interface AdminSettings {
  readonly secret: string
  /** What the login answers: `udp/127.0.0.1:<port>`. */
  readonly hostPort: string
  /** Everything but logins, routes and keep-alives. */
  readonly receive: (client: Client, frame: Frame) => void
}

export class Admin {
  /** Every frame of an app is ignored while this holds. */
  silent = false
  readonly #server: Server
  readonly #settings: AdminSettings
  readonly #clients = new Set<Client>()
  readonly #turns = new Map<string, number>()

  private constructor(settings: AdminSettings) {
    this.#settings = settings
    this.#server = createServer((socket) => this.#join(socket))
  }

  static async open(port: number, settings: AdminSettings): Promise<Admin> {
    const admin = new Admin(settings)
    await new Promise<void>((resolve, reject) => {
      admin.#server.once('error', reject)
      admin.#server.listen(port, '127.0.0.1', () => resolve())
    })
    return admin
  }

  get clients(): readonly Client[] {
    return [...this.#clients]
  }

  /** The one whose turn it is among those that registered for it. */
  next(verb: string, except?: Client): Client | undefined {
    const registered = this.clients.filter((client) => client.connected && client.routes.has(verb))
    const others = registered.filter((client) => client !== except)
    const able = others.length > 0 ? others : registered
    const turn = (this.#turns.get(verb) ?? 0) % Math.max(able.length, 1)
    this.#turns.set(verb, turn + 1)
    return able[turn]
  }

  drop(): void {
    for (const client of this.#clients) client.drop()
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.drop()
    await closed
  }

  #join(socket: Socket): void {
    const client = new Client(socket)
    const reader = new FrameReader()
    this.#clients.add(client)
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.on('close', () => this.#clients.delete(client))
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.read(chunk)) if (!this.silent) this.#receive(client, frame)
      } catch {
        client.drop()
      }
    })
  }

  /** As with the real server, who has not logged in is served all the same. */
  #receive(client: Client, frame: Frame): void {
    const [word = '', argument = ''] = frame.words
    switch (word) {
      case 'authenticate':
        return this.#login(client, frame)
      case 'route':
        client.routes.add(argument)
        return client.reply(frame, ['OK'])
      case 'remove_route':
        // Whichever verb is named, the real server drops them all.
        client.routes.clear()
        return client.reply(frame, ['OK'])
      case 'ping':
        return client.reply(frame, ['OK', 'pong'])
      case 'sip':
      case 'proxy':
        return this.#settings.receive(client, frame)
      default:
        client.reply(frame, ['NO', 'Unknown message type'])
        return client.end()
    }
  }

  #login(client: Client, frame: Frame): void {
    const { secret, hostPort } = this.#settings
    if (frame.words[1] === secret) return client.reply(frame, ['OK', hostPort, 'v0.9.10', hostPort])
    client.reply(frame, ['NO', 'incorrect secret'])
    client.end()
  }
}
