/**
 * A stand-in for drachtio-server with a real SIP side over UDP and TCP: the unmodified client speaks to its admin port, and phones call
 * through it. What the real server does with calls, connections and CDRs is done here as it was seen and read there; its
 * faults, and those of the network to it, are switched on by methods. Not here: TLS, forks, redirects, names other than
 * localhost, the proxy's rewriting of RSeq and its limit on ringing, and what a called side asks before any reliable answer.
 */
import { freeTcpPort } from '../free-port.ts'
import { Admin, type Client } from './admin.ts'
import { Cdrs, type CdrFaults } from './cdrs.ts'
import type { Core } from './core.ts'
import { Dialogs } from './dialogs.ts'
import type { DrachtioServer } from './drachtio-server.ts'
import type { Frame } from './frames.ts'
import { FromApp } from './from-app.ts'
import { FromNetwork } from './from-network.ts'
import { Proxying } from './proxying.ts'
import type { Address, SipMessage } from './sip-message.ts'
import { Timers } from './timers.ts'
import { Transactions } from './transactions.ts'
import { Wire } from './wire.ts'

export interface DoubleSettings {
  readonly sipPort?: number
  readonly adminPort?: number
  readonly secret: string
  /** The real server has 500; all that is sent again and all that is given up goes by it. */
  readonly t1Ms?: number
  /** The real server lifts shorter session timers of an app to 90, and refuses those of a phone. */
  readonly leastSessionSeconds?: number
}

/** What does not outlive a restart. */
interface Running {
  readonly core: Core
  readonly admin: Admin
  readonly network: FromNetwork
}

export class DrachtioDouble implements DrachtioServer {
  readonly sipPort: number
  readonly adminPort: number
  readonly pid = undefined
  readonly #settings: DoubleSettings
  #running: Running | undefined

  private constructor(sipPort: number, adminPort: number, settings: DoubleSettings) {
    this.sipPort = sipPort
    this.adminPort = adminPort
    this.#settings = settings
  }

  static async open(settings: DoubleSettings): Promise<DrachtioDouble> {
    const sipPort = settings.sipPort ?? (await freeTcpPort())
    const adminPort = settings.adminPort ?? (await freeTcpPort())
    const double = new DrachtioDouble(sipPort, adminPort, settings)
    await double.start()
    return double
  }

  get secret(): string {
    return this.#settings.secret
  }

  /** Of the legs that have not ended. */
  get dialogs(): number {
    return this.#now.core.dialogs.size
  }

  /** How many apps are asked for a kind of request. */
  takers(verb: string): number {
    return this.#now.admin.clients.filter(({ connected, routes }) => connected && routes.has(verb)).length
  }

  /** Cuts the connections of all apps; they may come back. */
  dropSockets(): void {
    this.#now.admin.drop()
  }

  /** No frame of an app is carried out or answered, until it is lifted. */
  silence(silent = true): void {
    this.#now.admin.silent = silent
  }

  /** The connection of an app breaks with its final response to an INVITE in it, until it is lifted. */
  loseFinalResponses(loses = true): void {
    this.#now.network.losesFinalResponses = loses
  }

  /** What the apps that are connected are told comes in one piece when it is let go, as after a pause of the network. */
  holdBack(): void {
    for (const client of this.#now.admin.clients) client.hold(true)
  }

  /** The same, from when an INVITE is answered with 2xx: its app is not told that it was. */
  holdBackFromAnswer(): void {
    this.#now.network.holdsBackFromAnswer = true
  }

  letGo(): void {
    this.#now.network.holdsBackFromAnswer = false
    for (const client of this.#now.admin.clients) client.hold(false)
  }

  /** Final responses to INVITEs come too late: they are refused with NOK and not sent, until it is lifted. */
  refuseFinalResponses(refuses = true): void {
    this.#now.network.refusesFinalResponses = refuses
  }

  /** From now on; without an argument all is well again. */
  spoilCdrs(faults: CdrFaults = {}): void {
    this.#now.core.cdrs.faults = faults
  }

  /** All calls and connections are forgotten, and no BYE is sent; it comes back on its ports. */
  async restart(): Promise<void> {
    await this.close()
    await this.start()
  }

  /** After `close`. */
  async start(): Promise<void> {
    const timers = new Timers(this.#settings.t1Ms ?? 500)
    const wire = await Wire.open(this.sipPort, (message, source) => receive(message, source))
    const transactions = new Transactions(wire, timers)
    const core: Core = {
      wire,
      timers,
      transactions,
      dialogs: new Dialogs(),
      cdrs: new Cdrs(() => admin),
      admin: () => admin,
      leastSessionSeconds: this.#settings.leastSessionSeconds ?? 90,
    }
    const proxying = new Proxying(core)
    const network = new FromNetwork(core, proxying)
    const apps = new FromApp(core, network, proxying)
    const receive = (message: SipMessage, source: Address): void => {
      if (message.status === 0) network.receive(message, source)
      else if (!transactions.receive(message, source)) proxying.passBack(message)
    }
    const admin = await Admin.open(this.adminPort, {
      secret: this.#settings.secret,
      hostPort: `udp/127.0.0.1:${this.sipPort},tcp/127.0.0.1:${this.sipPort}`,
      receive: (client: Client, frame: Frame) => apps.receive(client, frame),
    })
    this.#running = { core, admin, network }
  }

  async close(): Promise<void> {
    if (!this.#running) return
    const { core, admin } = this.#running
    this.#running = undefined
    core.timers.clear()
    await admin.close()
    await core.wire.close()
  }

  get #now(): Running {
    if (!this.#running) throw new Error('the double is closed')
    return this.#running
  }
}
