/** A TCP proxy whose network can fail: it lets through, goes silent with its connections open, cuts them, or is slow. */
import { connect, createServer, type Server, type Socket } from 'node:net'

interface Late {
  readonly atMs: number
  readonly bytes: Buffer
}

export class Proxy {
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  /** Silent for ever. */
  readonly #dead = new WeakSet<readonly [Socket, Socket]>()
  readonly #queues = new WeakMap<Socket, Late[]>()
  #target: number
  #silent = false
  #delayMs = 0
  #rewrite: ((text: string) => string) | undefined

  private constructor(target: number) {
    this.#target = target
    this.#server = createServer((client) => this.#join(client))
  }

  /** To a port of this machine. */
  static async open(target: number): Promise<Proxy> {
    const proxy = new Proxy(target)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address ? address.port : 0
  }

  get connections(): number {
    return this.#pairs.size
  }

  /** Nothing goes through any more, and nobody is told. */
  silence(): void {
    this.#silent = true
  }

  /** New connections get through; those that were open stay silent. */
  letNewThrough(): void {
    for (const pair of this.#pairs) this.#dead.add(pair)
    this.#silent = false
  }

  /** What was sent meanwhile is lost with its connections, as after a reboot of what is between. */
  heal(): void {
    this.#silent = false
    this.cut()
  }

  cut(): void {
    for (const [client, server] of this.#pairs) {
      client.destroy()
      server.destroy()
    }
  }

  /** Everything takes so much longer, each way together. */
  slow(delayMs: number): void {
    this.#delayMs = delayMs
  }

  /** What the server says is changed on its way; its length must stay. */
  rewrite(change: (text: string) => string): void {
    this.#rewrite = change
  }

  /** New connections go there; those that are open are cut. */
  switchTo(target: number): void {
    this.#target = target
    this.cut()
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1')
    const pair = [client, server] as const
    this.#pairs.add(pair)
    const end = (): void => {
      this.#pairs.delete(pair)
      client.destroy()
      server.destroy()
    }
    for (const socket of pair) {
      socket.setNoDelay(true)
      socket.on('error', end)
      socket.on('close', end)
    }
    client.on('data', (bytes: Buffer) => this.#pass(pair, server, bytes))
    server.on('data', (bytes: Buffer) => this.#pass(pair, client, this.#rewritten(bytes)))
  }

  #rewritten(bytes: Buffer): Buffer {
    return this.#rewrite ? Buffer.from(this.#rewrite(bytes.toString('latin1')), 'latin1') : bytes
  }

  /** What a client sends is what is late. */
  #pass(pair: readonly [Socket, Socket], to: Socket, bytes: Buffer): void {
    if (this.#silent || this.#dead.has(pair)) return
    const queue = this.#queues.get(to) ?? []
    this.#queues.set(to, queue)
    queue.push({ atMs: performance.now() + (to === pair[1] ? this.#delayMs : 0), bytes })
    if (queue.length === 1) this.#send(to, queue)
  }

  /** In their order: nothing overtakes what was sent before it. */
  #send(to: Socket, queue: Late[]): void {
    for (let next = queue[0]; next; next = queue[0]) {
      const leftMs = next.atMs - performance.now()
      if (leftMs > 0) {
        setTimeout(() => this.#send(to, queue), Math.ceil(leftMs))
        return
      }
      queue.shift()
      to.write(next.bytes)
    }
  }
}
