/**
 * The daemon's own redis-server, on an append-only file in the data folder.
 *
 * The server outlives a daemon that is killed, and the next one adopts it. Daemons that share the folder share the
 * server: each holds a connection with a name of its own, so the server itself knows who is there, and the last daemon
 * that stops cleanly ends it. Looking, starting and ending happen under one lock of the folder, so there are never two
 * servers on one file. A server that ends by itself is started again.
 */
import { randomBytes } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Fault } from '../base/fault.ts'
import type { Logger } from '../observe/log.ts'
import { withLock } from './file-lock.ts'
import { findRedisFolder, prepareRedisFolder, type RedisFolder, urlOf, writeConfig } from './redis-folder.ts'
import {
  askServer,
  connectionOptions,
  isRunning,
  lastLogLines,
  launch,
  type ServerInfo,
  serversIn,
  untilEnded,
  withConnection,
} from './redis-process.ts'
import { within } from './within.ts'

export interface EmbeddedRedisOptions {
  readonly dataDir: string
  /** Path of redis-server, or its name on PATH. */
  readonly binary: string
  readonly appendFsync: 'everysec' | 'always'
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly deadlines?: Partial<Deadlines>
}

export interface EmbeddedRedis {
  /** Path of its unix socket, or a URL with password on the loopback. */
  readonly url: string
  /** Of the server that runs now. */
  readonly pid: number
  /** It ran already. */
  readonly adopted: boolean
  /** Ends it when no other daemon uses it; all that was written is on disk then. */
  stop(): Promise<void>
}

interface Deadlines {
  /** For others to finish their start or stop. */
  readonly lockMs: number
  /** For a server without a word to answer. */
  readonly answerMs: number
  /** For the append-only file to be read. */
  readonly loadMs: number
  /** For the server to end. */
  readonly stopMs: number
}

const DEADLINES: Deadlines = { lockMs: 90_000, answerMs: 15_000, loadMs: 300_000, stopMs: 15_000 }
const PROGRESS_MS = 5_000
const MAX_RESTART_PAUSE_MS = 30_000
const DAEMON = 'tollgate-daemon'

/** Adopts the server that runs on the data folder, or starts one; resolves when it has read its file. */
export async function startEmbeddedRedis(options: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
  const server = new Server(await prepareRedisFolder(options.dataDir), options)
  await server.start()
  return server
}

/** Where the server of a data folder listens, whether or not it runs; undefined when none was ever started there. */
export async function embeddedRedisUrl(dataDir: string): Promise<string | undefined> {
  const place = await findRedisFolder(dataDir)
  return place && urlOf(place.address)
}

class Server implements EmbeddedRedis {
  readonly url: string
  readonly #place: RedisFolder
  readonly #options: EmbeddedRedisOptions
  readonly #deadlines: Deadlines
  /** The server knows by this connection that we are there; we know by it that the server is. */
  readonly #presence: Redis
  readonly #name = `${DAEMON}:${process.pid}:${randomBytes(6).toString('hex')}`
  #found: { readonly pid: number; readonly adopted: boolean } = { pid: 0, adopted: false }
  #stopping = false
  #restarting = false

  constructor(place: RedisFolder, options: EmbeddedRedisOptions) {
    this.url = urlOf(place.address)
    this.#place = place
    this.#options = options
    this.#deadlines = { ...DEADLINES, ...options.deadlines }
    this.#presence = new Redis({
      ...connectionOptions(place.address),
      retryStrategy: (attempt) => (this.#stopping ? null : Math.min(attempt * 50, 1_000)),
    })
    this.#presence.on('error', () => undefined)
    this.#presence.on('ready', () => {
      this.#presence.client('SETNAME', this.#name).catch(() => undefined)
    })
  }

  get pid(): number {
    return this.#found.pid
  }

  get adopted(): boolean {
    return this.#found.adopted
  }

  async start(): Promise<void> {
    await this.#underLock(async () => {
      this.#found = await this.#adoptOrLaunch()
      await this.#announce()
    })
    await this.#untilLoaded()
    const { pid, adopted } = this.#found
    this.#options.log.info({ pid, adopted, folder: this.#place.folder }, 'the embedded Redis runs')
    this.#presence.on('close', () => {
      void this.#restart()
    })
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#underLock(async () => {
      const others = await this.#otherDaemons()
      this.#presence.disconnect()
      if (others > 0) this.#options.log.info({ others }, 'the embedded Redis goes on: other daemons use it')
      else await this.#end()
    })
  }

  #underLock<T>(work: () => Promise<T>): Promise<T> {
    return withLock({ file: this.#place.lock, deadlineMs: this.#deadlines.lockMs }, work)
  }

  async #adoptOrLaunch(): Promise<{ pid: number; adopted: boolean }> {
    const { folder, config, address } = this.#place
    const running = await this.#running()
    if (running) {
      await this.#adopt(running)
      return { pid: running.pid, adopted: true }
    }
    const { binary, appendFsync } = this.#options
    await writeConfig(this.#place, appendFsync)
    const { pid } = await launch({ binary, folder, config, address })
    return { pid, adopted: false }
  }

  /** The server on the folder. One that cannot be reached is asked to end, as nobody else can use it either. */
  async #running(): Promise<ServerInfo | undefined> {
    const { folder, address } = this.#place
    const giveUpAtMs = performance.now() + this.#deadlines.answerMs
    for (;;) {
      const answering = await askServer(address)
      if (answering.kind === 'server') return answering
      const [pid] = await serversIn(folder)
      if (answering.kind === 'absent' && pid === undefined) return undefined
      if (performance.now() > giveUpAtMs) {
        if (answering.kind === 'absent' && pid !== undefined) return this.#endUnreachable(pid)
        const why = answering.kind === 'silent' ? answering.why : 'no answer'
        throw new Fault('store_unavailable', `the Redis on ${folder} does not answer: ${why}`, { retryable: true })
      }
      await pause(50)
    }
  }

  async #endUnreachable(pid: number): Promise<undefined> {
    const { folder } = this.#place
    this.#options.log.warn({ pid, folder }, 'a Redis runs on the folder and cannot be reached: ending it')
    process.kill(pid, 'SIGTERM')
    if (await untilEnded(pid, this.#deadlines.stopMs)) return undefined
    throw new Fault('store_unavailable', `redis-server ${pid} on ${folder} cannot be reached and does not end`)
  }

  async #adopt(running: ServerInfo): Promise<void> {
    const { folder, address } = this.#place
    const dir = await realpath(running.dir).catch(() => running.dir)
    if (dir !== (await realpath(folder))) {
      throw new Fault('store_unfit', `the Redis at ${folder} keeps its files in ${dir}: it is not ours`)
    }
    await withConnection(address, (client) => client.config('SET', 'appendfsync', this.#options.appendFsync))
  }

  /** From here on no other daemon takes itself for the last one. */
  async #announce(): Promise<void> {
    const giveUpAtMs = performance.now() + this.#deadlines.answerMs
    if (this.#presence.status === 'wait') {
      await within(this.#presence.connect(), { ms: this.#deadlines.answerMs, late: 'Redis did not answer in time' })
    }
    for (;;) {
      try {
        await this.#presence.client('SETNAME', this.#name)
        return
      } catch (error) {
        // The connection is being made again.
        if (performance.now() > giveUpAtMs) throw error
        await pause(20)
      }
    }
  }

  async #untilLoaded(): Promise<void> {
    const { folder, address } = this.#place
    const giveUpAtMs = performance.now() + this.#deadlines.loadMs
    let tellAtMs = performance.now() + PROGRESS_MS
    for (;;) {
      const answering = await askServer(address)
      if (answering.kind === 'server' && !answering.loading) return
      if (answering.kind === 'absent' && !(await isRunning(this.pid))) {
        const words = await lastLogLines(folder)
        throw new Fault('store_unfit', `redis-server ended while it read its file. Its last words:\n${words}`)
      }
      const nowMs = performance.now()
      const progress = answering.kind === 'server' ? answering.progress : 'no answer'
      if (nowMs > giveUpAtMs) throw new Fault('store_unavailable', `Redis still reads its file: ${progress}`)
      if (nowMs > tellAtMs) {
        this.#options.log.info({ progress }, 'Redis reads its file')
        tellAtMs = nowMs + PROGRESS_MS
      }
      await pause(20)
    }
  }

  /** Begins when the connection is lost. */
  async #restart(): Promise<void> {
    if (this.#restarting) return
    this.#restarting = true
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#underLock(() => this.#foundOrRestarted())
        break
      } catch (error) {
        this.#options.log.error({ err: error, attempt }, 'the embedded Redis cannot be started again')
        await pause(Math.min(250 * 2 ** attempt, MAX_RESTART_PAUSE_MS), undefined, { ref: false })
      }
    }
    this.#restarting = false
  }

  async #foundOrRestarted(): Promise<void> {
    if (this.#stopping) return
    const before = this.pid
    const words = await lastLogLines(this.#place.folder)
    this.#found = await this.#adoptOrLaunch()
    await this.#announce()
    const { pid } = this.#found
    if (pid === before) return
    this.#options.log.error({ before, pid, words }, 'the embedded Redis had ended; another runs now')
  }

  /** A server that does not say who is there is taken to be in use. */
  async #otherDaemons(): Promise<number> {
    const { address } = this.#place
    if ((await askServer(address)).kind === 'absent') return 0
    try {
      const list = String(await withConnection(address, (client) => client.client('LIST')))
      const names = [...list.matchAll(/ name=(\S*)/g)].map(([, name]) => name ?? '')
      return names.filter((name) => name.startsWith(`${DAEMON}:`) && name !== this.#name).length
    } catch {
      return 1
    }
  }

  /** The server writes what it has to its file before it ends; a snapshot beside it would only take time. */
  async #end(): Promise<void> {
    try {
      await withConnection(this.#place.address, (client) => client.shutdown('NOSAVE'))
    } catch {
      // It answers by ending; one that has ended already needs no asking.
    }
    const { pid } = this
    if (await untilEnded(pid, this.#deadlines.stopMs)) return
    // A number may be another process by now; one that works in our folder is not.
    if ((await serversIn(this.#place.folder)).includes(pid)) process.kill(pid, 'SIGTERM')
    if (await untilEnded(pid, this.#deadlines.stopMs)) return
    this.#options.log.warn({ pid }, 'the embedded Redis takes long to end; it is left to itself')
  }
}
