/** sipp → Kamailio with an example config → the daemon, and the questions that tests ask of the books afterwards. */

import { appendFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { apiKey, Daemon, Home } from './daemon.ts'
import { Kamailio, kamailioPorts } from './kamailio.ts'
import { until } from './process.ts'
import { callWith, Sipp, type SippCall, type SippResult, type Note } from './sipp.ts'

export interface BenchSettings {
  readonly example: 'http' | 'call_control'
  readonly payers?: Readonly<Record<string, string>>
  readonly defines?: readonly string[]
}

export interface Cdr {
  readonly call: string
  readonly callId: string
  readonly seconds: number
  readonly billedSeconds: number
  readonly charge: string
  readonly cause: string
  readonly flags: readonly string[]
  readonly revision: number
}

interface LiveCall {
  readonly call: string
  readonly state: string
}

export interface Balance {
  readonly credit: string
  readonly reserved: string
  readonly calls: number
  readonly pools: readonly { readonly remaining: number; readonly reserved: number }[]
  readonly trunks: { readonly outbound: { readonly limit: number; readonly used: number } }
}

export interface AccountWish {
  readonly credit?: string
  readonly outbound?: number
  readonly minutes?: { readonly seconds: number; readonly freeSeconds?: number; readonly increment?: number }
}

/** The called side of a test, and what it saw. */
export type Callee = Omit<SippCall, 'target' | 'port'>
export type Caller = Omit<SippCall, 'target' | 'port'>

export interface Seen {
  readonly caller: SippResult
  readonly callee: readonly Note[]
}

export class Bench {
  readonly home: Home
  kamailio: Kamailio
  daemon: Daemon
  readonly #settings: BenchSettings

  private constructor(home: Home, parts: { kamailio: Kamailio; daemon: Daemon }, settings: BenchSettings) {
    this.home = home
    this.kamailio = parts.kamailio
    this.daemon = parts.daemon
    this.#settings = settings
  }

  static async start(settings: BenchSettings): Promise<Bench> {
    const ports = await kamailioPorts()
    const callControl = settings.example === 'call_control'
    const home = await Home.make({ rpcPort: ports.rpc, callControl, payers: settings.payers ?? {} })
    let daemon: Daemon | undefined
    try {
      daemon = await Daemon.start({ home })
      const kamailio = await Kamailio.start({ ...settings, ports, daemonUrl: daemon.url, apiKey, socket: home.socket })
      return new Bench(home, { kamailio, daemon }, settings)
    } catch (error) {
      await daemon?.end()
      await home.remove()
      throw error
    }
  }

  /** A bench of parts that somebody else ends. */
  static of(home: Home, parts: { kamailio: Kamailio; daemon: Daemon }): Bench {
    return new Bench(home, parts, { example: 'http' })
  }

  async end(): Promise<void> {
    await this.kamailio.end()
    await this.daemon.end()
    await this.home.remove()
  }

  /** Leaves what both said where a failed test can be studied. */
  async keepLogs(): Promise<void> {
    const path = join(tmpdir(), `tollgate-sip-failed-${process.pid}.log`)
    await appendFile(path, `--- kamailio\n${this.kamailio.log}\n--- tollgate\n${this.daemon.log}\n`)
    process.stderr.write(`logs are in ${path}\n`)
  }

  /** Kamailio dies and comes up again on the same ports, without its dialogs. */
  async restartKamailio(): Promise<void> {
    const { ports } = this.kamailio
    await this.kamailio.kill()
    this.kamailio = await Kamailio.start({
      ...this.#settings,
      ports,
      daemonUrl: this.daemon.url,
      apiKey,
      socket: this.home.socket,
    })
  }

  /** kill -9, and another daemon on the same folders and port. */
  async restartDaemon(): Promise<void> {
    const { home, port } = this.daemon
    await this.daemon.killAlone()
    this.daemon = await Daemon.start({ home, port })
  }

  async account(id: string, wish: AccountWish = {}): Promise<string> {
    const trunks = { inbound: 0, outbound: wish.outbound ?? 0, twoWay: 0 }
    await this.daemon.call('PUT', `/v1/accounts/${id}`, { name: id, tariff: 'sip', currency: 'USD', trunks })
    if (wish.credit !== undefined) await this.credit(id, wish.credit)
    if (wish.minutes) {
      const pool = {
        name: 'minutes',
        resets: 'never',
        freeSeconds: 0,
        increment: 1,
        onExhausted: 'finish_call',
        ...wish.minutes,
      }
      await this.daemon.call('POST', `/v1/accounts/${id}/pools`, pool)
    }
    return id
  }

  async credit(id: string, amount: string): Promise<void> {
    await this.daemon.call('POST', `/v1/accounts/${id}/credits`, { amount, kind: 'adjustment', reason: 'test' })
  }

  async balance(id: string): Promise<Balance> {
    return (await this.daemon.call('GET', `/v1/accounts/${id}/balance`)) as Balance
  }

  async cdrs(id: string): Promise<readonly Cdr[]> {
    const page = (await this.daemon.call('GET', `/v1/accounts/${id}/cdrs`)) as { readonly items: readonly Cdr[] }
    return page.items
  }

  /** The account's CDRs once there are so many of them, and nothing is held any more. */
  async settled(id: string, count: number, withinMs = 5_000): Promise<readonly Cdr[]> {
    await until(
      `${count} CDRs of ${id}, nothing held`,
      async () => (await this.cdrs(id)).length >= count && (await this.heldNothing(id)),
      { withinMs, everyMs: 100, explain: () => this.daemon.log.slice(-8_000) },
    )
    return await this.cdrs(id)
  }

  async heldNothing(id: string): Promise<boolean> {
    const { reserved, calls, pools, trunks } = await this.balance(id)
    return (
      Number(reserved) === 0 && calls === 0 && trunks.outbound.used === 0 && pools.every((pool) => pool.reserved === 0)
    )
  }

  async called(callee: Callee): Promise<Sipp> {
    return await Sipp.start({ ...callee, port: this.kamailio.ports.nextHop })
  }

  async calls(caller: Caller): Promise<SippResult> {
    return await callWith({ ...caller, target: this.kamailio.ports.sip })
  }

  /** The daemon's ids of the account's calls that were answered, once there are so many. */
  async answered(id: string, count = 1): Promise<readonly string[]> {
    const live = async (): Promise<readonly string[]> => {
      const page = (await this.daemon.call('GET', `/v1/calls?account=${id}`)) as { readonly items: readonly LiveCall[] }
      return page.items.flatMap(({ call, state }) => (state === 'answered' ? [call] : []))
    }
    await until(`${count} answered calls of ${id}`, async () => (await live()).length >= count)
    return await live()
  }

  /** Calls from start to end, with somebody to call. */
  async talk(callee: Callee, caller: Caller): Promise<Seen> {
    return await this.talkWhile(callee, caller, () => Promise.resolve())
  }

  /** Likewise; something happens meanwhile. */
  async talkWhile(callee: Callee, caller: Caller, meanwhile: () => Promise<void>): Promise<Seen> {
    const other = await this.called(callee)
    try {
      const calling = this.calls(caller)
      const [result] = await Promise.all([calling, meanwhile()])
      const done = async (): Promise<boolean> => doneWith(await other.notes(), result.notes)
      await until('the called side is done too', done, {
        withinMs: 8_000,
        explain: () => this.kamailio.log.slice(-4_000),
      })
      return { caller: result, callee: await other.notes() }
    } finally {
      await other.stop()
    }
  }
}

/** Whoever was answered has ended on the called side, too. */
function doneWith(callee: readonly Note[], caller: readonly Note[]): boolean {
  const ended = callee.filter(({ what }) => what === 'bye' || what === 'hungup').length
  return ended >= caller.filter(({ what }) => what === 'answered').length
}
