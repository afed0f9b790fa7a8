/** Child processes of the SIP tests: started with a deadline for readiness, ended by pid, their output kept for failures. */

import { spawn, type ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { setTimeout as pause } from 'node:timers/promises'
import { freeTcpPort } from '../../support/free-port.ts'

export interface Command {
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

export class Process {
  readonly name: string
  readonly #child: ChildProcess
  readonly #exited: Promise<number>
  #output = ''
  #running = true

  constructor(command: Command) {
    this.name = command.name
    this.#child = spawn(command.file, [...command.args], {
      cwd: command.cwd,
      env: command.env ?? process.env,
      // A group of its own: the children of the child go with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString('latin1')).slice(-200_000)
    }
    this.#child.stdout?.on('data', keep)
    this.#child.stderr?.on('data', keep)
    const endWithUs = (): void => this.#signal('SIGKILL')
    process.once('exit', endWithUs)
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#output += error.message
        resolve(-1)
      })
      this.#child.once('exit', (code, signal) => resolve(code ?? (signal ? -1 : 0)))
    })
    void this.#exited.then(() => {
      this.#running = false
      process.removeListener('exit', endWithUs)
    })
  }

  get output(): string {
    return this.#output
  }

  get running(): boolean {
    return this.#running
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  get exited(): Promise<number> {
    return this.#exited
  }

  /** SIGTERM to the process, SIGKILL to its whole group when that was not enough. */
  async end(graceMs = 5_000): Promise<void> {
    if (!this.#running) return
    this.#child.kill('SIGTERM')
    await Promise.race([this.#exited, pause(graceMs, undefined, { ref: false })])
    await this.kill()
  }

  /** kill -9 of this process alone; what it started lives on. */
  async killAlone(): Promise<void> {
    if (this.#running) this.#child.kill('SIGKILL')
    await this.#exited
  }

  async kill(): Promise<void> {
    this.#signal('SIGKILL')
    await this.#exited
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.#running || this.#child.pid === undefined) return
    try {
      process.kill(-this.#child.pid, signal)
    } catch {
      this.#child.kill(signal)
    }
  }
}

/** Waits until a process is of use; one that does not get there is killed. */
export async function ready(running: Process, ask: () => Promise<boolean>, withinMs: number): Promise<void> {
  const started = async (): Promise<boolean> => {
    if (!running.running) throw new Error(`${running.name} did not start\n${running.output}`)
    return await ask()
  }
  try {
    await until(`${running.name} is ready`, started, { withinMs, explain: () => running.output })
  } catch (error) {
    await running.kill()
    throw error
  }
}

/** Asks until the answer is true; fails with what was waited for, and with what `explain` knows, at the deadline. */
export async function until(what: string, ask: () => boolean | Promise<boolean>, options: Until = {}): Promise<void> {
  const deadlineMs = Date.now() + (options.withinMs ?? 10_000)
  while (Date.now() < deadlineMs) {
    if (await ask()) return
    await pause(options.everyMs ?? 25)
  }
  throw new Error(`not seen in time: ${what}\n${options.explain?.() ?? ''}`)
}

export interface Until {
  readonly withinMs?: number
  readonly everyMs?: number
  readonly explain?: () => string
}

/** A port that is free for TCP and UDP on loopback at this moment. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const port = await freeTcpPort()
    if (await udpFree(port)) return port
  }
  throw new Error('no free port found')
}

function udpFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.once('error', () => resolve(false))
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)))
  })
}
