/** Runs one sipp scenario and reads back what it noted: who was answered, refused, hung up on, and when. */

import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { freePort, Process, until } from './process.ts'

export interface SippCall {
  readonly scenario: string
  /** Where calls go; absent for the called side. */
  readonly target?: number
  readonly port?: number
  readonly calls?: number
  readonly talkMs?: number
  readonly account?: string
  readonly caller?: string
  readonly dialled?: string
  /** Calls a second. */
  readonly rate?: number
  /** Of the session timer that it asks for. */
  readonly sessionSeconds?: number
  readonly withinMs?: number
  /** How the caller has provisional answers made reliable. */
  readonly reliability?: 'Supported' | 'Require'
  /** Over TCP. */
  readonly tcp?: boolean
  readonly callId?: string
  /** Of the account's user. */
  readonly password?: string
}

export interface Note {
  readonly what: string
  readonly callId: string
  readonly atMs: number
  readonly status?: number
  readonly code?: string
}

export interface SippResult {
  readonly exitCode: number
  readonly notes: readonly Note[]
}

/** A running sipp. The called side is ended by the test; the calling side ends by itself. */
export class Sipp {
  readonly port: number
  readonly #process: Process
  readonly #folder: string

  private constructor(port: number, running: Process, folder: string) {
    this.port = port
    this.#process = running
    this.#folder = folder
  }

  static async start(call: SippCall): Promise<Sipp> {
    const port = call.port ?? (await freePort())
    const folder = await mkdtemp(join(tmpdir(), 'tollgate-sipp-'))
    const running = new Process({ name: `sipp ${call.scenario}`, file: 'sipp', args: args(call, port, folder) })
    const sipp = new Sipp(port, running, folder)
    if (call.target === undefined)
      await until(`${running.name} listens`, () => sipp.#listens(call.tcp === true), { explain: () => running.output })
    return sipp
  }

  /** What it has noted until now. */
  async notes(): Promise<readonly Note[]> {
    return (await this.#file('logs.log')).split('\n').flatMap(note)
  }

  async finished(withinMs: number): Promise<SippResult> {
    await until(`${this.#process.name} ends`, () => !this.#process.running, {
      withinMs,
      explain: () => this.#process.output,
    })
    const result = { exitCode: await this.#process.exited, notes: await this.notes() }
    if (result.exitCode !== 0) process.stderr.write(await this.trouble())
    await rm(this.#folder, { recursive: true, force: true })
    return result
  }

  /** What it checked in vain; the call goes on all the same. */
  async complaints(): Promise<readonly string[]> {
    return (await this.#file('errors.log')).split('\n').filter((line) => line.includes('Failed regexp match'))
  }

  /** Ends the called side and hands over its notes. */
  async stop(): Promise<readonly Note[]> {
    const notes = await this.notes()
    await this.#process.kill()
    await rm(this.#folder, { recursive: true, force: true })
    return notes
  }

  async #listens(tcp: boolean): Promise<boolean> {
    const table = await readFile(`/proc/net/${tcp ? 'tcp' : 'udp'}`, 'utf8')
    return table.includes(`0100007F:${this.port.toString(16).toUpperCase().padStart(4, '0')}`)
  }

  async #file(name: string): Promise<string> {
    return await readFile(join(this.#folder, name), 'latin1').catch(() => '')
  }

  /** All that it wrote. */
  async trouble(): Promise<string> {
    const names = await readdir(this.#folder).catch(() => [])
    const parts = await Promise.all(
      names.map(async (name) => `--- ${name}\n${(await this.#file(name)).slice(-20_000)}`),
    )
    return `${this.#process.name} wrote\n${parts.join('\n')}\n`
  }
}

/** Makes the calls and waits until the last one is over. */
export async function callWith(call: SippCall): Promise<SippResult> {
  const sipp = await Sipp.start(call)
  return await sipp.finished((call.withinMs ?? 20_000) + 5_000)
}

function args(call: SippCall, port: number, folder: string): string[] {
  const scenario = fileURLToPath(new URL(`./scenarios/${call.scenario}.xml`, import.meta.url))
  const common = [
    '-sf',
    scenario,
    '-i',
    '127.0.0.1',
    '-p',
    String(port),
    '-nostdin',
    ...(call.tcp === true ? ['-t', 't1'] : []),
    '-d',
    String(call.talkMs ?? 1_000),
  ]
  const logs = [
    ...['-trace_logs', '-log_file', join(folder, 'logs.log')],
    ...['-trace_err', '-error_file', join(folder, 'errors.log')],
    ...['-trace_msg', '-message_file', join(folder, 'messages.log')],
  ]
  const keys = [
    ...['-key', 'account', call.account ?? 'nobody', '-key', 'caller', call.caller ?? '+442079460100'],
    ...['-key', 'session', String(call.sessionSeconds ?? 0), '-key', 'reliability', call.reliability ?? 'Supported'],
  ]
  // The called side is ended by its test; should that be killed, it ends by itself.
  if (call.target === undefined) return [...common, ...logs, ...keys, '-timeout', '120s']
  const calling = [
    ...['-m', String(call.calls ?? 1), '-r', String(call.rate ?? 10), '-s', call.dialled ?? '+442079460999'],
    ...['-timeout', `${Math.ceil((call.withinMs ?? 20_000) / 1_000)}s`, '-timeout_error'],
    ...['-recv_timeout', String(Math.max(60_000, call.withinMs ?? 0))],
    ...(call.password === undefined ? [] : ['-au', call.account ?? 'nobody', '-ap', call.password]),
    ...(call.callId === undefined ? [] : ['-cid_str', call.callId]),
  ]
  return [`127.0.0.1:${call.target}`, ...common, ...logs, ...keys, ...calling]
}

function note(line: string): Note[] {
  const match = /(answered|warned|bye|hungup|cancelled|refused) (\S+) (\d+)(?: (\d{3}) ([a-z_]*))?/.exec(line)
  if (!match) return []
  const [, what = '', callId = '', atMs = '0', status, code] = match
  const refusal = status === undefined ? {} : { status: Number(status), code: code ?? '' }
  return [{ what, callId, atMs: Number(atMs), ...refusal }]
}

/** How long each answered call lasted for this side, in milliseconds. */
export function talkedMs(notes: readonly Note[]): number[] {
  return notes
    .filter(({ what }) => what === 'bye' || what === 'hungup')
    .map(
      (end) => end.atMs - (notes.find(({ what, callId }) => what === 'answered' && callId === end.callId)?.atMs ?? 0),
    )
}
