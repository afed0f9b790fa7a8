/** The daemon as operators run it: a child process with a config and a data folder of its own. */

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, Process, ready } from './process.ts'

export const apiKey = 'tg_sip_0123456789abcdef0123456789abcdef'

const root = fileURLToPath(new URL('../../../', import.meta.url))

export interface HomeSettings {
  readonly rpcPort: number
  /** Who pays for calls by the beginning of the calling number; for edges that do not name the account. */
  readonly payers?: Readonly<Record<string, string>>
  readonly callControl?: boolean
}

/** Folders that outlive a daemon: a killed one's successor is started on the same home. */
export class Home {
  readonly folder: string
  readonly data: string
  readonly config: string

  private constructor(folder: string) {
    this.folder = folder
    this.data = join(folder, 'data')
    this.config = join(folder, 'config')
  }

  static async make(settings: HomeSettings): Promise<Home> {
    const home = new Home(await mkdtemp(join(tmpdir(), 'tollgate-sip-')))
    await mkdir(home.data)
    // The example config, with this bench's edge, trunks and prices in the place of its own.
    await cp(join(root, 'config'), home.config, { recursive: true })
    await writeFile(join(home.config, 'tollgate.yaml'), settingsText(settings))
    await writeFile(join(home.config, 'trunks.yaml'), trunksText(settings.payers ?? {}))
    await writeFile(join(home.config, 'accounts.yaml'), 'accounts: []\n')
    await writeFile(join(home.config, 'tariffs', 'sip.yaml'), tariffText)
    return home
  }

  get socket(): string {
    return join(this.data, 'call-control.sock')
  }

  /** Removes the folders, and ends the store if a killed daemon left it behind. */
  async remove(): Promise<void> {
    const pid = Number(await readFile(join(this.data, 'redis', 'redis.pid'), 'utf8').catch(() => '0'))
    if (pid > 1 && (await isOurRedis(pid, this.data))) process.kill(pid, 'SIGKILL')
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

export interface DaemonSettings {
  readonly home: Home
  readonly port?: number
  readonly redisUrl?: string
}

export class Daemon {
  readonly home: Home
  readonly port: number
  readonly url: string
  readonly #process: Process

  private constructor(home: Home, port: number, running: Process) {
    this.home = home
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    this.#process = running
  }

  static async start({ home, port: wanted, redisUrl }: DaemonSettings): Promise<Daemon> {
    const port = wanted ?? (await freePort())
    const env = {
      ...process.env,
      TOLLGATE_HTTP_PORT: String(port),
      TOLLGATE_DATA_DIR: home.data,
      TOLLGATE_CONFIG_DIR: home.config,
      TOLLGATE_API_KEY: apiKey,
      ...(redisUrl === undefined ? {} : { TOLLGATE_REDIS_URL: redisUrl }),
    }
    const running = new Process({ name: 'tollgate', file: join(root, 'scripts', 'tollgate'), args: ['serve'], env })
    const daemon = new Daemon(home, port, running)
    await ready(running, () => daemon.#answers(), 20_000)
    return daemon
  }

  get log(): string {
    return this.#process.output
  }

  async end(): Promise<void> {
    await this.#process.end(10_000)
  }

  /** kill -9; its store lives on. */
  async killAlone(): Promise<void> {
    await this.#process.killAlone()
  }

  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(5_000),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }

  async #answers(): Promise<boolean> {
    const answer = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined)
    await answer?.body?.cancel()
    return answer?.status === 200
  }
}

async function isOurRedis(pid: number, data: string): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  const folder = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
  return command.includes('redis') && (command.includes(data) || folder.includes(data))
}

function settingsText({ rpcPort, callControl }: HomeSettings): string {
  return [
    'defaults: { tariff: sip, currency: USD, timezone: UTC }',
    'edges:',
    `  kam1: { kind: kamailio, rpcUrl: 'http://127.0.0.1:${rpcPort}/RPC', listSeconds: 5, canRaise: ${!callControl} }`,
    `callControl: { enabled: ${callControl ?? false}, socket: call-control.sock, node: kam1 }`,
    '',
  ].join('\n')
}

function trunksText(payers: Readonly<Record<string, string>>): string {
  const rules = Object.entries(payers).map(
    ([from, account]) => `  - { name: ${account}, account: ${account}, sources: [127.0.0.1], from: ['${from}'] }`,
  )
  return rules.length === 0 ? 'trunks: []\n' : ['trunks:', ...rules, ''].join('\n')
}

/** A second of talk costs 1.00, so that short calls move money that can be told apart. */
const tariffText = `name: sip
currency: USD
timezone: UTC
rates:
  - { prefix: 44, destination: By the second, perMinute: 60, firstIncrement: 1, nextIncrement: 1 }
  - { prefix: 4477, destination: Free up to 3 seconds, perMinute: 60, firstIncrement: 1, nextIncrement: 1, noChargeSeconds: 3 }
  - { prefix: 4430, destination: Free up to 30 seconds, perMinute: 60, firstIncrement: 1, nextIncrement: 1, noChargeSeconds: 30 }
`
