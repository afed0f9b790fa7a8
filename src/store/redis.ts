/**
 * One connection for decisions, hardened for money: nothing is sent twice, nothing waits without a deadline, and what is
 * in flight is bounded. Commands of one tick leave in one write.
 */
import { Cluster, Redis } from 'ioredis'
import { Fault } from '../base/fault.ts'
import { readScript, type Script } from './scripts.ts'
import { asFault } from './store-fault.ts'

export interface RedisOptions {
  /** One URL, several for a cluster, or the path of a unix socket. */
  readonly urls: readonly string[]
  readonly commandTimeoutMs: number
  readonly maxInFlight: number
  readonly onError?: (error: Error) => void
}

type Client = Redis | Cluster
export type RedisReply = string | number | null | Buffer | readonly RedisReply[]

const CONNECTION = {
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  enableReadyCheck: true,
  connectTimeout: 2_000,
  retryStrategy: (attempt: number) => Math.min(50 * attempt, 1_000),
}

function clientOf(options: RedisOptions): Client {
  const [first = ''] = options.urls
  const settings = { ...CONNECTION, ...patienceOf(options), lazyConnect: true }
  if (options.urls.length === 1) {
    return first.startsWith('/') ? new Redis({ ...settings, path: first }) : new Redis(first, settings)
  }
  const nodes = options.urls.map((url) => ({ host: new URL(url).hostname, port: Number(new URL(url).port || 6379) }))
  return new Cluster(nodes, {
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: CONNECTION.retryStrategy,
    ...NOT_TWICE,
    redisOptions: { ...CONNECTION, ...patienceOf(options) },
  })
}

/**
 * Of a cluster: what was on its way to a node that died may have been carried out, so it is not sent again, and what a
 * lost master holds is refused at once. The next command asks another node, which knows who has the slots by then.
 */
const NOT_TWICE = { retryDelayOnFailover: 0, retryDelayOnClusterDown: 0 }

/** A connection on which commands wait and nothing comes is given up: what is between may have forgotten it. */
function patienceOf({ commandTimeoutMs }: RedisOptions) {
  return { commandTimeout: commandTimeoutMs, socketTimeout: SILENT_COMMANDS * commandTimeoutMs }
}

const SILENT_COMMANDS = 3

export class RedisStore {
  readonly client: Client
  readonly #options: RedisOptions
  readonly #scripts = new Map<string, Script>()
  #inFlight = 0

  constructor(options: RedisOptions) {
    this.#options = options
    this.client = clientOf(options)
    this.client.on('error', (error: Error) => options.onError?.(error))
  }

  /** Where it is: for connections of another kind to the same. */
  get urls(): readonly string[] {
    return this.#options.urls
  }

  get isCluster(): boolean {
    return this.client instanceof Cluster
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** Connects and waits until commands are taken; Fault(store_unavailable) after the deadline. */
  async open(deadlineMs = 10_000): Promise<void> {
    const { client } = this
    if (client.status === 'ready') return
    if (client.status === 'wait') client.connect().catch(() => undefined)
    await this.#untilReady(deadlineMs)
    // A node is connected to by its first command, and refuses others meanwhile; one that is away is no hindrance.
    if (client instanceof Cluster) await Promise.allSettled(client.nodes('master').map((node) => node.ping()))
  }

  async #untilReady(deadlineMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new Fault('store_unavailable', `no answer from Redis at ${this.#options.urls.join(', ')}`, {
            retryable: true,
          }),
        )
      }, deadlineMs)
      this.client.once('ready', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** A second connection with the same settings, for blocking reads and subscriptions. */
  async duplicate(): Promise<RedisStore> {
    const twin = new RedisStore(this.#options)
    await twin.open()
    return twin
  }

  /** Runs a script of store/lua; keys first. Repeats with its text when the server does not know it. */
  async run(name: string, keys: readonly string[], args: readonly (string | number)[]): Promise<RedisReply> {
    const script = this.#script(name)
    this.#begin()
    try {
      this.#cork()
      return (await this.client.evalsha(script.sha1, keys.length, ...keys, ...args)) as RedisReply
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw asFault(error)
      return await this.#runText(script, keys, args)
    } finally {
      this.#inFlight -= 1
    }
  }

  async #runText({ source }: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<RedisReply> {
    try {
      return (await this.client.eval(source, keys.length, ...keys, ...args)) as RedisReply
    } catch (error) {
      throw asFault(error)
    }
  }

  /** A plain command or pipeline with the same bounds and faults. */
  async command<T>(send: (client: Client) => Promise<T>): Promise<T> {
    this.#begin()
    try {
      this.#cork()
      return await send(this.client)
    } catch (error) {
      throw asFault(error)
    } finally {
      this.#inFlight -= 1
    }
  }

  /** Whether anything can be asked: of a cluster that lost a master the others go on. */
  async answers(): Promise<boolean> {
    const { client } = this
    const nodes = client instanceof Cluster ? client.nodes('master') : [client]
    const asked = nodes.map((node) => this.command(() => node.ping()))
    return Promise.any(asked).then(
      () => true,
      () => false,
    )
  }

  async close(): Promise<void> {
    this.client.disconnect()
    await Promise.resolve()
  }

  #begin(): void {
    if (this.#inFlight >= this.#options.maxInFlight) {
      throw new Fault('store_overloaded', `${this.#inFlight} requests wait for Redis`, { retryable: true })
    }
    this.#inFlight += 1
  }

  /** The first command of a tick corks the socket, so that all of the tick leave in one system call. */
  #cork(): void {
    const { client } = this
    const stream = client instanceof Redis ? (client.stream as Redis['stream'] | undefined) : undefined
    if (!stream || stream.writableCorked > 0) return
    stream.cork()
    setImmediate(() => {
      stream.uncork()
    })
  }

  #script(name: string): Script {
    const known = this.#scripts.get(name)
    if (known) return known
    const script = readScript(name)
    this.#scripts.set(name, script)
    return script
  }
}
