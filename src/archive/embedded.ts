/** The archive's own database in the data folder, where the settings name no server: one connection to a worker. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { Worker } from 'node:worker_threads'
import { Fault } from '../base/fault.ts'

export interface EmbeddedOptions {
  readonly folder: string
  /** Takes the lock of the folder; undefined when another daemon has it: two on one folder would destroy it. */
  readonly lock: (file: string) => { release(): void } | undefined
}

/** The first start makes the database, on a machine that does much else at that time. */
const START_MS = 60_000
const STOP_MS = 10_000

/** The message that ends a session: there is one, and it is kept. */
const TERMINATE = 'X'.charCodeAt(0)

const WORKER = beside('pglite-worker')
const MAKER = beside('pglite-maker')

/** With the ending that this file has: .ts in a checkout, .js when built. */
function beside(name: string): URL {
  return new URL(`./${name}${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url)
}

export class EmbeddedPostgres {
  readonly #worker: Worker
  readonly #release: () => void
  readonly #ended: Promise<void>
  #socket: Duplex | undefined

  private constructor(worker: Worker, release: () => void) {
    this.#worker = worker
    this.#release = release
    let cause: unknown
    worker.on('error', (error) => {
      cause = error
    })
    this.#ended = new Promise((resolve) => {
      worker.once('exit', () => {
        const fault = new Fault('archive_unavailable', 'the embedded archive ended', { retryable: true, cause })
        this.#socket?.destroy(fault)
        release()
        resolve()
      })
    })
    worker.on('message', ({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>) =>
      this.#socket?.push(Buffer.from(buffer, byteOffset, length)),
    )
  }

  static async start({ folder, lock }: EmbeddedOptions): Promise<EmbeddedPostgres> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const held = lock(join(folder, 'lock'))
    if (!held) {
      throw new Fault('archive_unavailable', `another daemon keeps the archive in ${folder}`, { retryable: true })
    }
    const dataDir = join(folder, 'postgres')
    try {
      if (!existsSync(dataDir)) await make(dataDir)
    } catch (error) {
      held.release()
      throw error
    }
    const worker = new Worker(WORKER, { workerData: { dataDir } })
    const embedded = new EmbeddedPostgres(worker, () => {
      held.release()
    })
    await ready(worker)
    return embedded
  }

  get isRunning(): boolean {
    return this.#worker.threadId !== -1
  }

  /** For the one connection there can be. */
  connect(): Duplex {
    const worker = this.#worker
    const socket = new Duplex({
      read() {
        // What comes is pushed as it comes: an answer is no larger than what was asked for.
      },
      write(chunk: Buffer, _encoding, done) {
        if (chunk[0] === TERMINATE) this.destroy()
        else worker.postMessage(new Uint8Array(chunk))
        done()
      },
    })
    socket.on('error', () => undefined)
    this.#socket = socket
    return socket
  }

  async stop(): Promise<void> {
    this.#worker.postMessage(null)
    const timer = setTimeout(() => void this.#worker.terminate(), STOP_MS)
    await this.#ended
    clearTimeout(timer)
    this.#release()
  }
}

/** Whole or not at all. */
async function make(dataDir: string): Promise<void> {
  const making = `${dataDir}.making`
  await rm(making, { recursive: true, force: true })
  const maker = fork(MAKER, [making], { stdio: 'ignore', timeout: START_MS })
  const [code] = (await once(maker, 'exit')) as [number | null]
  if (code !== 0) throw unfit(new Error(`its database was not made (exit code ${code ?? 'none'})`))
  await rename(making, dataDir)
}

async function ready(worker: Worker): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      fail(new Error(`it did not start within ${START_MS / 1000} s`))
    }, START_MS)
    const fail = (error: Error): void => {
      clearTimeout(timer)
      void worker.terminate()
      reject(unfit(error))
    }
    worker.once('error', fail)
    worker.once('message', () => {
      clearTimeout(timer)
      worker.off('error', fail)
      resolve()
    })
  })
}

function unfit(cause: Error): Fault {
  return new Fault('archive_unavailable', `the embedded archive cannot start: ${cause.message}`, {
    retryable: true,
    cause,
  })
}
