/** The daemon as operators run it: a child process on folders of its own, told by files, environment and signals. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serversIn } from '../../src/store/redis-process.ts'
import { freePort, Process, ready, until } from '../edges/sip/process.ts'

export const root = fileURLToPath(new URL('../../', import.meta.url))
export const tollgate = join(root, 'scripts', 'tollgate')
export const apiKey = 'tg_bench_0123456789abcdef0123456789abcdef'

/** Registers what is done when the test is over; the last one first. */
export type AtEnd = (end: () => Promise<void>) => void

/** A second of talk costs 1.00, so that short calls move money that can be told apart. */
export function tariffYaml(perMinute = 60): string {
  return [
    'name: bench',
    'currency: USD',
    'timezone: UTC',
    'rates:',
    `  - { prefix: 44, destination: By the second, perMinute: ${perMinute}, firstIncrement: 1, nextIncrement: 1 }`,
    '',
  ].join('\n')
}

/** Without an archive: the embedded one is another process's worth of work. */
const SETTINGS = 'roles: [decide, clock, jobs]\ndefaults: { tariff: bench, currency: USD, timezone: UTC }\n'

/** Folders that outlive a daemon: another may be started on the same home. */
export class Home {
  readonly folder: string
  readonly data: string
  readonly config: string
  readonly #atEnd: AtEnd

  private constructor(folder: string, atEnd: AtEnd) {
    this.folder = folder
    this.data = join(folder, 'data')
    this.config = join(folder, 'config')
    this.#atEnd = atEnd
  }

  /** With files of the config folder beside, or instead of, the usual ones. */
  static async make(atEnd: AtEnd, files: Readonly<Record<string, string>> = {}): Promise<Home> {
    const home = new Home(await mkdtemp(join(tmpdir(), 'tollgate-app-')), atEnd)
    const endWithUs = (): void => home.#killRedis()
    process.once('exit', endWithUs)
    atEnd(async () => {
      for (const pid of await home.redisPids()) process.kill(pid, 'SIGKILL')
      await rm(home.folder, { recursive: true, force: true, maxRetries: 5 })
      process.removeListener('exit', endWithUs)
    })
    const all = { 'tollgate.yaml': SETTINGS, 'tariffs/bench.yaml': tariffYaml(), ...files }
    for (const [file, text] of Object.entries(all)) await home.write(file, text)
    return home
  }

  /** Writes a file of the config folder. */
  async write(file: string, text: string): Promise<void> {
    const path = join(this.config, file)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }

  get redisFolder(): string {
    return join(this.data, 'redis')
  }

  /** Of the embedded servers that run on the data folder. */
  async redisPids(): Promise<readonly number[]> {
    return await serversIn(this.redisFolder).catch(() => [])
  }

  redisLog(): Promise<string> {
    return readFile(join(this.redisFolder, 'redis.log'), 'utf8')
  }

  /** What a process of the daemon is told by its environment, and by nothing else. */
  environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !name.startsWith('TOLLGATE_') || name === 'TOLLGATE_REDIS_SERVER',
    )
    const own = { TOLLGATE_DATA_DIR: this.data, TOLLGATE_CONFIG_DIR: this.config }
    return { ...Object.fromEntries(inherited), ...own, ...more }
  }

  /** A daemon that is ready. */
  async daemon(settings: DaemonSettings = {}): Promise<Daemon> {
    const daemon = await Daemon.start(this, settings)
    this.#atEnd(() => daemon.kill())
    return daemon
  }

  #killRedis(): void {
    try {
      const pid = Number(readFileSync(join(this.redisFolder, 'redis.pid'), 'utf8'))
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(this.folder)) process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  }
}

export interface DaemonSettings {
  readonly port?: number
  readonly redisUrl?: string
  /** Null is the key that the daemon makes for itself. */
  readonly key?: string | null
  readonly env?: Readonly<Record<string, string>>
  /** It is not waited for any longer than this, ready or not. */
  readonly untilItSays?: string
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

export interface LogLine {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

const READY_MS = 25_000
const ANSWER_MS = 5_000

export class Daemon {
  readonly home: Home
  readonly port: number
  readonly url: string
  readonly key: string
  readonly #process: Process

  private constructor(home: Home, at: { readonly port: number; readonly key: string }, running: Process) {
    this.home = home
    this.port = at.port
    this.key = at.key
    this.url = `http://127.0.0.1:${at.port}`
    this.#process = running
  }

  static async start(home: Home, settings: DaemonSettings): Promise<Daemon> {
    const { port: wanted, redisUrl, key = apiKey, env, untilItSays } = settings
    const port = wanted ?? (await freePort())
    const told = {
      TOLLGATE_HTTP_PORT: String(port),
      ...(key === null ? {} : { TOLLGATE_API_KEY: key }),
      ...(redisUrl === undefined ? {} : { TOLLGATE_REDIS_URL: redisUrl }),
      ...env,
    }
    const running = new Process({ name: 'tollgate', file: tollgate, args: ['serve'], env: home.environment(told) })
    const isFarEnough = async (): Promise<boolean> => {
      return untilItSays === undefined ? await isReady(port) : running.output.includes(untilItSays)
    }
    await ready(running, isFarEnough, READY_MS)
    const kept = key ?? (await readFile(join(home.data, 'api-key'), 'utf8')).trim()
    return new Daemon(home, { port, key: kept }, running)
  }

  get pid(): number {
    return this.#process.pid
  }

  /** All that it wrote to its standard output and error. */
  get output(): string {
    return this.#process.output
  }

  get exited(): Promise<number> {
    return this.#process.exited
  }

  get running(): boolean {
    return this.#process.running
  }

  lines(): readonly LogLine[] {
    return this.output.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogLine] : []))
  }

  /** As Prometheus scrapes them. */
  async metrics(): Promise<string> {
    const answer = await fetch(`${this.url}/metrics`, { headers: { authorization: `Bearer ${this.key}` } })
    return await answer.text()
  }

  /** Waits until a line of the log says so. */
  async says(words: string, times = 1): Promise<readonly LogLine[]> {
    const found = (): readonly LogLine[] => this.lines().filter(({ msg }) => msg.includes(words))
    await until(`the log says "${words}"`, () => found().length >= times, { explain: () => this.output })
    return found()
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.#process.pid, signal)
  }

  /** SIGTERM; resolves with the exit code. */
  async stop(): Promise<number> {
    this.signal('SIGTERM')
    return await this.exited
  }

  /** kill -9; its store lives on. */
  async kill(): Promise<void> {
    await this.#process.killAlone()
  }

  /** Any answer at all; throws when there is none in time. */
  async ask(method: string, path: string, asked: Asked = {}): Promise<Answer> {
    const { body, key = this.key, withinMs = ANSWER_MS } = asked
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(key === '' ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() }),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(withinMs),
    })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, body: text.startsWith('{') ? JSON.parse(text) : { text } }
  }

  /** The body of an answer that must be 2xx. */
  async must(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const answer = await this.ask(method, path, body === undefined ? {} : { body })
    if (answer.status < 300) return answer.body
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }

  async account(id: string, wish: AccountWish = {}): Promise<string> {
    const { credit, ...profile } = wish
    await this.must('PUT', `/v1/accounts/${id}`, { name: id, currency: 'USD', tariff: 'bench', ...profile })
    if (credit !== undefined) {
      await this.must('POST', `/v1/accounts/${id}/credits`, { amount: credit, kind: 'adjustment' })
    }
    return id
  }

  async authorize(account: string, callId: string, more: Readonly<Record<string, unknown>> = {}): Promise<Decision> {
    const asked = { account, callId, direction: 'outbound', from: '+12125550100', to: LONDON, ...more }
    return (await this.must('POST', '/v1/calls/authorize', asked)) as unknown as Decision
  }

  async event(type: string, callId: string, more: Readonly<Record<string, unknown>> = {}): Promise<EventResult> {
    const taken = await this.must('POST', '/v1/calls/events', { type, callId, ...more })
    return (taken['results'] as readonly EventResult[])[0]!
  }

  async balance(account: string): Promise<Balance> {
    return (await this.must('GET', `/v1/accounts/${account}/balance`)) as unknown as Balance
  }

  /** Every CDR of the account, over all pages. */
  async cdrs(account: string): Promise<readonly Cdr[]> {
    const found: Cdr[] = []
    for (let cursor = ''; ;) {
      const page = await this.must('GET', `/v1/accounts/${account}/cdrs?limit=500${cursor}`)
      found.push(...(page['items'] as readonly Cdr[]))
      if (page['nextCursor'] === undefined) return found
      cursor = `&cursor=${encodeURIComponent(page['nextCursor'] as string)}`
    }
  }

  /** What is wrong with the books; empty when they replay to the micro. */
  async drifts(): Promise<readonly string[]> {
    const { ok, problems } = await this.must('POST', '/v1/audit/verify')
    return ok === true ? [] : ['not ok', ...(problems as readonly string[])]
  }

  /** Waits until no call of the account holds anything. */
  async heldNothing(account: string, withinMs = 5_000): Promise<void> {
    const holds = async (): Promise<boolean> => {
      const { reserved, calls, trunks } = await this.balance(account)
      return Number(reserved) > 0 || calls > 0 || Object.values(trunks).some(({ used }) => used > 0)
    }
    await until(`${account} holds nothing`, async () => !(await holds()), { withinMs, everyMs: 100 })
  }
}

export const LONDON = '+442079460958'

export interface Asked {
  /** Text is sent as it is. */
  readonly body?: unknown
  /** Empty is none. */
  readonly key?: string
  readonly withinMs?: number
}

export interface AccountWish {
  readonly credit?: string
  readonly trunks?: { readonly inbound: number; readonly outbound: number; readonly twoWay: number }
  readonly [field: string]: unknown
}

export interface Decision {
  readonly allow: boolean
  readonly code: string
  readonly sipCode: number
  readonly call: string
  readonly reserved?: string
  readonly reservedSeconds?: number
  readonly maxDurationSeconds: number
}

export interface EventResult {
  readonly call?: string
  readonly state: string
  readonly charge?: string
  readonly seconds?: number
  readonly ignored?: boolean
}

export interface Balance {
  readonly credit: string
  readonly reserved: string
  readonly available: string
  readonly calls: number
  readonly pools: readonly { readonly name: string; readonly remaining: number }[]
  readonly trunks: Readonly<
    Record<'inbound' | 'outbound' | 'twoWay', { readonly limit: number; readonly used: number }>
  >
}

export interface Cdr {
  readonly call: string
  readonly callId: string
  readonly seconds: number
  readonly charge: string
  readonly revision: number
  readonly flags: readonly string[]
  readonly rate?: { readonly version: number }
}

async function isReady(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(1_000) }).catch(
    () => null,
  )
  await answer?.body?.cancel()
  return answer?.status === 200
}
