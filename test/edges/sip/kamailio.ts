/** Kamailio with one of the example configs exactly as it is in the repository: only -A defines differ. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, Process, ready } from './process.ts'

export interface KamailioSettings {
  readonly example: 'http' | 'call_control'
  /** Instead of the example's own file. */
  readonly config?: string
  readonly daemonUrl?: string
  readonly apiKey?: string
  readonly socket?: string
  readonly node?: string
  readonly defines?: readonly string[]
  readonly ports?: KamailioPorts
  /** Shared memory in MB: a transaction stays in it for seconds after its end. */
  readonly sharedMegabytes?: number
}

export interface KamailioPorts {
  readonly sip: number
  readonly rpc: number
  readonly nextHop: number
}

export class Kamailio {
  readonly ports: KamailioPorts
  readonly rpcUrl: string
  readonly #process: Process
  readonly #folder: string

  private constructor(ports: KamailioPorts, running: Process, folder: string) {
    this.ports = ports
    this.rpcUrl = `http://127.0.0.1:${ports.rpc}/RPC`
    this.#process = running
    this.#folder = folder
  }

  static async start(settings: KamailioSettings): Promise<Kamailio> {
    const ports = settings.ports ?? (await kamailioPorts())
    const folder = await mkdtemp(join(tmpdir(), 'tollgate-kamailio-'))
    const example = new URL(`../../../config/kamailio/${settings.example}/kamailio.cfg`, import.meta.url)
    const config = settings.config ?? fileURLToPath(example)
    const fixed = [
      '-f',
      config,
      '-DD',
      '-E',
      '-e',
      '-m',
      String(settings.sharedMegabytes ?? 64),
      '-M',
      '8',
      '-Y',
      folder,
      '-w',
      folder,
    ]
    const defines = definesOf(settings, ports).flatMap((define) => ['-A', define])
    const running = new Process({
      name: `kamailio ${settings.example}`,
      file: 'kamailio',
      args: [...fixed, ...defines],
    })
    const kamailio = new Kamailio(ports, running, folder)
    await ready(running, () => kamailio.#answers(settings.example), 10_000)
    return kamailio
  }

  /** Of the first of its processes, which all are in its group. */
  get pid(): number {
    return this.#process.pid
  }

  get log(): string {
    return this.#process.output
  }

  async rpc(method: string, params: readonly unknown[] = []): Promise<unknown> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const answer = await fetch(this.rpcUrl, { method: 'POST', body, signal: AbortSignal.timeout(2_000) })
    const parsed: unknown = await answer.json()
    return parsed
  }

  /** Calls that Kamailio still tracks; ended dialogs linger in its table as state 5. */
  async activeCalls(): Promise<number> {
    const answer = await this.rpc('dlg.briefing', ['s'])
    const text = JSON.stringify(answer)
    return [...text.matchAll(/"state":([1-4])\b/g)].length
  }

  async end(): Promise<void> {
    await this.#process.end()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async kill(): Promise<void> {
    await this.#process.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** It answers its control channel; with call_control it takes no calls in its first two seconds. */
  async #answers(example: KamailioSettings['example']): Promise<boolean> {
    const answer = await this.rpc('core.uptime').catch(() => undefined)
    const upSeconds = Number(/"uptime":\s*(\d+)/.exec(JSON.stringify(answer ?? null))?.[1] ?? -1)
    return upSeconds >= (example === 'call_control' ? 3 : 0)
  }
}

export async function kamailioPorts(): Promise<KamailioPorts> {
  return { sip: await freePort(), rpc: await freePort(), nextHop: await freePort() }
}

function definesOf(settings: KamailioSettings, ports: KamailioPorts): string[] {
  const common = [
    `LISTEN_SIP=udp:127.0.0.1:${ports.sip}`,
    `LISTEN_RPC=tcp:127.0.0.1:${ports.rpc}`,
    `NEXT_HOP="sip:127.0.0.1:${ports.nextHop}"`,
    'MAX_RING_MS=3000',
    ...(settings.defines ?? []),
  ]
  if (settings.example === 'call_control') return [...common, `CALL_CONTROL_SOCKET="${settings.socket ?? ''}"`]
  return [
    ...common,
    `TOLLGATE_CONNECTION="tollgate=>${settings.daemonUrl ?? ''};timeout=1"`,
    `TOLLGATE_HEADERS="application/json\\r\\nAuthorization: Bearer ${settings.apiKey ?? ''}"`,
    `NODE="${settings.node ?? 'kam1'}"`,
    'WITH_PAYER_HEADER',
  ]
}
