/** A real drachtio-server, behind a relay of ours: one that is there, a program, or an image of Docker. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, Process, until } from '../../edges/sip/process.ts'
import { freeTcpPort } from '../free-port.ts'
import { AdminClient } from './admin-client.ts'
import { AdminRelay } from './admin-relay.ts'
import type { DrachtioServer } from './drachtio-server.ts'
import { isListening } from './wire.ts'

/** An image may have to be fetched first. */
const READY_MS = 120_000
const CONFIG = 'drachtio.conf.xml'

interface Wanted {
  readonly adminPort: number
  readonly sipPort: number
  readonly secret: string
  readonly t1Ms: number
}

/** A server that runs until it is stopped. */
interface Running {
  /** Of a program. */
  readonly pid?: number
  readonly output: () => string
  readonly stop: () => Promise<void>
}

type Start = (config: string) => Promise<Running>

export class RealServer implements DrachtioServer {
  readonly sipPort: number
  readonly secret: string
  readonly #relay: AdminRelay
  readonly #adminPort: number
  readonly #again: (() => Promise<Running>) | undefined
  #running: Running | undefined

  private constructor(
    at: { readonly sipPort: number; readonly adminPort: number; readonly secret: string; readonly relay: AdminRelay },
    running?: Running,
    again?: () => Promise<Running>,
  ) {
    this.sipPort = at.sipPort
    this.secret = at.secret
    this.#adminPort = at.adminPort
    this.#relay = at.relay
    this.#running = running
    this.#again = again
  }

  /** `tcp://:<secret>@127.0.0.1:<admin port>`, `file:///<program>` or `docker:<image>`; of the first the timers stay as they are. */
  static async open(url: URL, { t1Ms = 500 }: { readonly t1Ms?: number }): Promise<RealServer> {
    if (url.protocol === 'tcp:') return await RealServer.#there(url)
    const start = startOf(url)
    const wanted = { adminPort: await freeTcpPort(), sipPort: await freePort(), secret: 'cymru', t1Ms }
    const again = async (): Promise<Running> => {
      const running = await start(config(wanted))
      await until(`${url.href} is ready`, () => isReady(wanted), { withinMs: READY_MS, explain: running.output })
      return running
    }
    const running = await again()
    const relay = await AdminRelay.open(await freeTcpPort(), wanted.adminPort)
    return new RealServer({ ...wanted, relay }, running, again)
  }

  /** Where its SIP side is, it says at the login. */
  static async #there(url: URL): Promise<RealServer> {
    const { hostname, port, password: secret } = url
    if (hostname !== '127.0.0.1') throw new Error(`the tests call on loopback only, not ${url.host}`)
    const adminPort = Number(port || '9022')
    const client = await AdminClient.open(adminPort)
    const [word, where = ''] = await client.ask(['authenticate', secret, ''])
    client.close()
    const sipPort = Number(/udp\/127\.0\.0\.1:(\d+)/.exec(where)?.[1])
    if (word !== 'OK' || !(sipPort > 0)) throw new Error(`no SIP over UDP at 127.0.0.1: ${word} ${where}`)
    return new RealServer({ sipPort, adminPort, secret, relay: await AdminRelay.open(await freeTcpPort(), adminPort) })
  }

  get adminPort(): number {
    return this.#relay.port
  }

  get pid(): number | undefined {
    return this.#running?.pid
  }

  takers(verb: string): number {
    return this.#relay.takers(verb)
  }

  get dialogs(): Promise<number> {
    return this.#count()
  }

  dropSockets(): void {
    this.#relay.drop()
  }

  silence(silent = true): void {
    this.#relay.silent = silent
  }

  async restart(): Promise<void> {
    if (!this.#again) throw new Error('a server that was there before the tests is not restarted')
    await this.#running?.stop()
    this.#relay.drop()
    this.#running = await this.#again()
  }

  async close(): Promise<void> {
    await this.#relay.close()
    await this.#running?.stop()
    this.#running = undefined
  }

  /** Its metrics are half a minute old, so it is asked for each dialog that it has named. */
  async #count(): Promise<number> {
    const client = await AdminClient.open(this.#adminPort)
    try {
      const found = await Promise.all([...this.#relay.dialogIds].map((id) => client.has(id)))
      return found.filter(Boolean).length
    } finally {
      client.close()
    }
  }
}

/** It opens the admin port first. */
async function isReady({ adminPort, sipPort, secret }: Wanted): Promise<boolean> {
  if (!(await isListening({ host: '127.0.0.1', port: sipPort }))) return false
  const client = await AdminClient.open(adminPort).catch(() => undefined)
  const answer = await client?.ask(['authenticate', secret, '']).catch(() => [])
  client?.close()
  return answer?.[0] === 'OK'
}

function startOf(url: URL): Start {
  switch (url.protocol) {
    case 'file:':
      return (text) => program(fileURLToPath(url), text)
    case 'docker:':
      return (text) => container(url.pathname.replace(/^\/+/, ''), text)
    default:
      throw new Error(
        `DRACHTIO_TEST_URL is tcp://:<secret>@127.0.0.1:<port>, file:///<program> or docker:<image>: ${url.href}`,
      )
  }
}

async function program(file: string, text: string): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'tollgate-drachtio-'))
  const path = join(folder, CONFIG)
  await writeFile(path, text)
  const running = new Process({ name: 'drachtio-server', file, args: ['-f', path], cwd: folder })
  const stop = async (): Promise<void> => {
    await running.kill()
    await rm(folder, { recursive: true, force: true })
  }
  return { pid: running.pid, output: () => running.output, stop }
}

/** On the network of the host: SIP says its own addresses. */
async function container(image: string, text: string): Promise<Running> {
  const { GenericContainer } = await import('testcontainers')
  const target = `/etc/${CONFIG}`
  const started = await new GenericContainer(image)
    .withNetworkMode('host')
    .withCopyContentToContainer([{ content: text, target }])
    .withCommand(['drachtio', '-f', target])
    .start()
    .catch((cause: unknown) => {
      throw new Error(`${image} could not be started: is a Docker engine running?`, { cause })
    })
  const stop = async (): Promise<void> => {
    await started.stop({ timeout: 0 })
  }
  return { output: () => `container ${started.getId()}`, stop }
}

function config({ adminPort, sipPort, secret, t1Ms }: Wanted): string {
  return `<drachtio>
  <admin port="${adminPort}" secret="${secret}">127.0.0.1</admin>
  <sip>
    <contacts><contact>sip:127.0.0.1:${sipPort};transport=udp,tcp</contact></contacts>
    <timers><t1>${t1Ms}</t1><t2>${8 * t1Ms}</t2><t4>${10 * t1Ms}</t4><t1x64>${64 * t1Ms}</t1x64></timers>
  </sip>
  <cdrs>true</cdrs>
  <logging><console/><sofia-loglevel>3</sofia-loglevel><loglevel>info</loglevel></logging>
</drachtio>
`
}
