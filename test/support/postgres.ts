/** A real PostgreSQL for tests: a cluster of its own in a new folder, on a free loopback port, gone when the test ends. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freeTcpPort } from './free-port.ts'

export interface TestPostgres {
  readonly url: string
  readonly pid: number
  /** As a machine that fails: the files stay. */
  kill(): Promise<void>
  /** With the same files on the same port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const STOP_MS = 10_000

/** A program of PostgreSQL. Debian keeps them out of the path; the newest there is. */
export function binary(name: string): string {
  return globSync(`/usr/lib/postgresql/*/bin/${name}`).toSorted().at(-1) ?? name
}

/** PostgreSQL refuses to run as root. */
function identity(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const of = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: of('-u'), gid: of('-g') }
}

export async function startPostgres(): Promise<TestPostgres> {
  const who = identity()
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-postgres-'))
  if (who.uid !== undefined && who.gid !== undefined) chownSync(folder, who.uid, who.gid)
  const data = join(folder, 'data')
  const env = { ...process.env, LC_ALL: 'C.UTF-8' }
  execFileSync(binary('initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'], {
    ...who,
    env,
    cwd: folder,
    stdio: 'ignore',
  })
  const port = await freeTcpPort()
  const start = (): Promise<ChildProcess> => {
    const places = ['-D', data, '-k', folder, '-p', String(port), '-c', 'listen_addresses=127.0.0.1']
    return ready(spawn(binary('postgres'), places, { ...who, env, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] }))
  }
  let child = await start()
  process.once('exit', () => child.kill('SIGKILL'))
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    get pid() {
      return child.pid ?? 0
    },
    kill: () => ended(child, 'SIGQUIT'),
    restart: async () => {
      child = await start()
    },
    stop: async () => {
      await ended(child, 'SIGINT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function ready(child: ChildProcess): Promise<ChildProcess> {
  const log: string[] = []
  await new Promise<void>((resolve, reject) => {
    if (!child.stderr) throw new Error('postgres has no output')
    createInterface(child.stderr).on('line', (line) => {
      if (log.length < 200) log.push(line)
      if (line.includes('ready to accept connections')) resolve()
    })
    child.once('error', reject)
    child.once('exit', (code) => {
      reject(new Error(`postgres ended with ${String(code)}:\n${log.join('\n')}`))
    })
  })
  return child
}

/** SIGINT ends sessions and writes what is to be written; SIGQUIT leaves that to the next start. */
async function ended(child: ChildProcess, signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    child.kill(signal)
  })
}
