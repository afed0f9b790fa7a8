/** sipp → drachtio-server → the daemon → sipp, each a process of its own but the double of the server, and the books afterwards. */
import { type AtEnd, Daemon, Home } from '../../app/bench.ts'
import { type DrachtioServer, openServer } from '../../support/drachtio/drachtio-server.ts'
import { freePort, until } from './process.ts'
import { callWith, type Note, Sipp, type SippCall } from './sipp.ts'

export interface GroupWish {
  /** Ports of this machine; the callee's own where none is said. */
  readonly hops?: readonly number[]
  readonly hopsYaml?: (calleePort: number) => string
  readonly files?: Readonly<Record<string, string>>
  readonly more?: string
  /** Further keys of `sip`. */
  readonly sip?: string
  /** Further keys of `calls`. */
  readonly calls?: string
  /** drachtio-servers; one where it is not said. */
  readonly servers?: number
}

type Servers = [DrachtioServer, ...DrachtioServer[]]

export interface SipCdr {
  readonly to: string
  readonly call: string
  readonly callId: string
  readonly seconds: number
  readonly charge: string
  readonly cause: string
  readonly flags: readonly string[]
}

export type Phone = Omit<SippCall, 'target' | 'port'>

export interface Seen {
  readonly caller: readonly Note[]
  readonly callee: readonly Note[]
}

/** A second costs 1.00. */
export class SipBench {
  /** The first of the servers. */
  readonly drachtio: DrachtioServer
  readonly servers: readonly DrachtioServer[]
  readonly home: Home
  readonly calleePort: number
  daemon: Daemon
  readonly #atEnd: AtEnd
  #phones = 0

  private constructor(parts: { servers: Servers; home: Home; daemon: Daemon; calleePort: number }, atEnd: AtEnd) {
    this.servers = parts.servers
    this.drachtio = parts.servers[0]
    this.home = parts.home
    this.daemon = parts.daemon
    this.calleePort = parts.calleePort
    this.#atEnd = atEnd
  }

  static async start(atEnd: AtEnd, wish: GroupWish = {}): Promise<SipBench> {
    const calleePort = await freePort()
    const servers: Servers = [await openServer()]
    while (servers.length < (wish.servers ?? 1)) servers.push(await openServer())
    for (const server of servers) atEnd(() => server.close())
    const hops = wish.hopsYaml?.(calleePort) ?? hopsYaml(wish.hops ?? [calleePort])
    const text = settings(servers, hops, wish)
    const home = await Home.make(atEnd, { 'tollgate.yaml': text, ...wish.files })
    const daemon = await home.daemon()
    const bench = new SipBench({ servers, home, daemon, calleePort }, atEnd)
    await bench.connected(1)
    return bench
  }

  async connected(workers: number): Promise<void> {
    const areConnected = (): boolean => this.servers.every((server) => server.takers('invite') === workers)
    await until(`${workers} workers are connected`, areConnected)
  }

  /** Another process on the same store and server. */
  async secondWorker(): Promise<Daemon> {
    const daemon = await Daemon.start(this.home, {})
    this.#atEnd(() => daemon.kill())
    await this.connected(2)
    return daemon
  }

  /** kill -9, and another on the same folders. */
  async restartWorker(): Promise<void> {
    await this.daemon.kill()
    await this.connected(0)
    await this.startWorker()
  }

  async startWorker(): Promise<void> {
    this.daemon = await this.home.daemon()
    this.#reloads = 0
    await this.connected(1)
  }

  /** An account whose calls are known by the calling number. */
  async account(id: string, wish: PayerWish): Promise<Payer> {
    this.#phones += 1
    const number = `+4420${String(this.#phones).padStart(8, '0')}`
    const trunks = { inbound: 0, outbound: wish.outbound ?? 0, twoWay: 0 }
    await this.daemon.account(id, { ...(wish.credit === undefined ? {} : { credit: wish.credit }), trunks })
    const digest = wish.password === undefined ? '' : `, digest: { user: ${id}, password: ${wish.password} }`
    this.#payers.push(`  - { name: ${id}, account: ${id}, direction: outbound, from: ['${number}']${digest} }`)
    await this.home.write('trunks.yaml', `trunks:\n${this.#payers.join('\n')}\n`)
    this.daemon.signal('SIGHUP')
    this.#reloads += 1
    await this.daemon.says('the configuration was reloaded', this.#reloads)
    return { id, number }
  }
  readonly #payers: string[] = []
  #reloads = 0

  /** The called side, in the place of the last one. */
  async called(phone: Phone): Promise<Sipp> {
    await this.hangUp()
    this.#callee = await Sipp.start({ ...phone, port: this.calleePort })
    return this.#callee
  }
  #callee: Sipp | undefined

  /** The called side goes away. */
  async hangUp(): Promise<void> {
    const callee = this.#callee
    this.#callee = undefined
    await callee?.stop()
  }

  async call({ number }: Payer, phone: Phone): Promise<readonly Note[]> {
    const { exitCode, notes } = await callWith({ caller: number, target: this.drachtio.sipPort, ...phone })
    if (exitCode !== 0) throw new Error(`${phone.scenario} did not get what it expects`)
    return notes
  }

  /** Without waiting for its end. */
  async ring({ number }: Payer, phone: Phone, over = this.drachtio): Promise<Sipp> {
    const caller = await Sipp.start({ caller: number, target: over.sipPort, ...phone })
    this.#atEnd(async () => {
      await caller.stop()
    })
    return caller
  }

  /** Both sides from start to end. */
  async talk(payer: Payer, callee: Phone, caller: Phone): Promise<Seen> {
    const other = await this.called(callee)
    const notes = await this.call(payer, caller).catch(async (error: unknown) => {
      process.stderr.write(`${await other.trouble()}${this.daemon.output.slice(-4_000)}\n`)
      throw error
    })
    const answered = notes.filter(({ what }) => what === 'answered').length
    await until('the called side is done too', async () => ended(await other.notes()).length >= answered)
    const complaints = await other.complaints()
    if (complaints.length > 0) throw new Error(`${callee.scenario}: ${complaints.join()}`)
    return { caller: notes, callee: await other.notes() }
  }

  /** The daemon's id of the payer's call, once it is up. */
  async up(payer: Payer): Promise<string> {
    const [call = ''] = await this.allUp(payer, 1)
    return call
  }

  /** The same of so many calls. */
  async allUp(payer: Payer, count: number): Promise<readonly string[]> {
    const up = (): Promise<readonly string[]> => this.live(payer, 'answered')
    const areUp = async (): Promise<boolean> => (await up()).length >= count
    await until(`${count} calls of ${payer.id} are up`, areUp, { explain: () => this.daemon.output.slice(-4_000) })
    return up()
  }

  async live({ id }: Payer, wanted: 'authorized' | 'answered'): Promise<readonly string[]> {
    const page = await this.daemon.must('GET', `/v1/calls?account=${id}`)
    const items = page['items'] as readonly { readonly call: string; readonly state: string }[]
    return items.filter(({ state }) => state === wanted).map(({ call }) => call)
  }

  /** The CDRs, once there are so many and nothing is held any more. */
  async settled({ id }: Payer, count: number, withinMs = 8_000): Promise<readonly SipCdr[]> {
    const done = async (): Promise<boolean> => (await this.cdrs(id)).length >= count
    await until(`${count} CDRs of ${id}`, done, { withinMs, explain: () => this.daemon.output.slice(-6_000) })
    await this.daemon.heldNothing(id)
    return this.cdrs(id)
  }

  async cdrs(id: string): Promise<readonly SipCdr[]> {
    return (await this.daemon.cdrs(id)) as unknown as readonly SipCdr[]
  }

  async legsOver(): Promise<void> {
    const none = async (): Promise<boolean> => {
      const left = await Promise.all(this.servers.map(({ dialogs }) => Promise.resolve(dialogs)))
      return left.every((dialogs) => dialogs === 0)
    }
    await until('no dialog is left at any server', none)
  }
}

export interface PayerWish {
  readonly credit?: string
  readonly outbound?: number
  /** Its calls must prove to be of the user of its name. */
  readonly password?: string
}

export interface Payer {
  readonly id: string
  readonly number: string
}

export function ended(notes: readonly Note[]): readonly Note[] {
  return notes.filter(({ what }) => what === 'bye' || what === 'hungup')
}

function hopsYaml(ports: readonly number[]): string {
  return `[${ports.map((port) => `{ uri: 'sip:127.0.0.1:${port}' }`).join(', ')}]`
}

function settings(servers: Servers, hops: string, { more = '', sip, calls = '' }: GroupWish): string {
  const logins = servers.map(({ adminPort, secret }) => `{ port: ${adminPort}, secret: ${secret} }`)
  return [
    'defaults: { tariff: bench, currency: USD, timezone: UTC }',
    `calls: { sliceSeconds: 2, extendAheadSeconds: 1, guardMs: 300${calls} }`,
    'sip:',
    '  enabled: true',
    `  servers: [${logins.join(', ')}]`,
    ...(sip === undefined ? [] : [`  ${sip}`]),
    '  groups:',
    `    default: { hops: ${hops}${more === '' ? '' : `, ${more}`} }`,
    '',
  ].join('\n')
}
