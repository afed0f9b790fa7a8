/** redis-server as a process of this machine: which one runs on a folder, how one is started, and what it says. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, renameSync, statSync } from 'node:fs'
import { open, readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis, type RedisOptions } from 'ioredis'
import { Fault } from '../base/fault.ts'
import { within } from './within.ts'

/** Where the server listens: a unix socket, or a loopback port when the socket's path would be too long. */
export type Address = { readonly path: string } | { readonly port: number; readonly password: string }

/** What answers at an address. */
export type Answering =
  | { readonly kind: 'absent' }
  /** Something listens and says nothing of use. */
  | { readonly kind: 'silent'; readonly why: string }
  | ServerInfo

export interface ServerInfo {
  readonly kind: 'server'
  readonly pid: number
  readonly dir: string
  readonly loading: boolean
  /** "43.20 % loaded, 12 s left"; of a server that reads its file. */
  readonly progress: string
}

const CONNECT_MS = 1_000
const ANSWER_MS = 5_000

/** What every connection to the server has: nothing waits for long, and nothing is sent twice. */
export function connectionOptions(address: Address): RedisOptions {
  return {
    ...('path' in address ? { path: address.path } : { host: '127.0.0.1', ...address }),
    lazyConnect: true,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_MS,
    commandTimeout: ANSWER_MS,
    disableClientInfo: true,
    // A connection that is closed already waits this long for its end all the same.
    disconnectTimeout: 50,
  }
}

/** Works with a connection that is tried once; Fault(store_unavailable) when nothing listens or nothing answers. */
export async function withConnection<T>(address: Address, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis({ ...connectionOptions(address), retryStrategy: () => null })
  client.on('error', () => undefined)
  try {
    // A connection counts as made when the server has spoken, which one that hangs never does.
    await within(client.connect(), { ms: ANSWER_MS, late: 'Redis did not answer in time' })
    return await work(client)
  } finally {
    client.disconnect()
  }
}

export async function askServer(address: Address): Promise<Answering> {
  try {
    return await withConnection(address, serverInfo)
  } catch (error) {
    return error instanceof Fault ? { kind: 'silent', why: error.message } : { kind: 'absent' }
  }
}

async function serverInfo(client: Redis): Promise<Answering> {
  try {
    const info = await client.info()
    const [, dir = ''] = (await client.config('GET', 'dir')) as readonly string[]
    return readInfo(info, dir)
  } catch (error) {
    return { kind: 'silent', why: error instanceof Error ? error.message : String(error) }
  }
}

function readInfo(info: string, dir: string): Answering {
  const field = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
  const pid = Number(field('process_id'))
  if (!Number.isInteger(pid) || pid <= 0) return { kind: 'silent', why: 'it does not say which process it is' }
  const left = field('loading_eta_seconds')
  const progress = `${field('loading_loaded_perc') ?? '0'} % loaded${left === undefined ? '' : `, ${left} s left`}`
  return { kind: 'server', pid, dir, loading: field('loading') === '1', progress }
}

const SERVER_NAME = /^(redis|valkey)-server$/

/** Servers whose working folder this is, whether or not they answer. Only Linux can say; elsewhere there are none. */
export async function serversIn(folder: string): Promise<readonly number[]> {
  const real = await realpath(folder)
  const entries = await readdir('/proc').catch(() => [])
  const pids = entries.filter((entry) => /^\d+$/.test(entry)).map(Number)
  const found = await Promise.all(pids.map(async (pid) => ((await worksIn(pid, real)) ? pid : 0)))
  return found.filter((pid) => pid > 0 && pid !== process.pid)
}

async function worksIn(pid: number, folder: string): Promise<boolean> {
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '')
  if (cwd !== folder) return false
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return command.split(/[\0 ]/).some((word) => SERVER_NAME.test(basename(word)))
}

/** A process that has ended and that nobody has waited for runs no more. */
export async function isRunning(pid: number): Promise<boolean> {
  // First, as it may be waited for in the meantime: then there is nothing to read, and the signal says so.
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  if (/\) [ZX]/.test(stat)) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** True when the process ended in time. */
export async function untilEnded(pid: number, deadlineMs: number): Promise<boolean> {
  const giveUpAtMs = performance.now() + deadlineMs
  while (await isRunning(pid)) {
    if (performance.now() > giveUpAtMs) return false
    await pause(10)
  }
  return true
}

export interface Launch {
  readonly binary: string
  readonly folder: string
  readonly config: string
  readonly address: Address
}

const FIRST_ANSWER_MS = 30_000
const MAX_LOG_BYTES = 4 * 1024 * 1024

/**
 * Starts a server in a process group of its own, so that neither a signal to our group nor our end is its end, and
 * waits until it answers: perhaps while it still reads its file.
 */
export async function launch({ binary, folder, config, address }: Launch): Promise<ServerInfo> {
  const log = openLog(folder)
  const fromByte = statSync(log.file).size
  const child = spawn(binary, [config], { cwd: folder, detached: true, stdio: ['ignore', log.handle, log.handle] })
  closeSync(log.handle)
  child.unref()
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
  })
  const giveUpAtMs = performance.now() + FIRST_ANSWER_MS
  for (;;) {
    if (failure) throw cannotRun(binary, failure)
    if (child.exitCode !== null || child.signalCode !== null) throw await ended(folder, fromByte)
    const answering = await askServer(address)
    if (answering.kind === 'server') return answering
    if (performance.now() > giveUpAtMs) {
      child.kill('SIGTERM')
      throw new Fault('store_unavailable', `redis-server did not answer in time; its log is ${log.file}`)
    }
    await pause(10)
  }
}

function cannotRun(binary: string, cause: Error): Fault {
  const advice = 'install redis-server, or set TOLLGATE_REDIS_SERVER to its path, or TOLLGATE_REDIS_URL to a Redis'
  return new Fault('store_unfit', `${binary} cannot be run (${cause.message}): ${advice}`, { cause })
}

async function ended(folder: string, fromByte: number): Promise<Fault> {
  const lines = await lastLogLines(folder, fromByte)
  return new Fault('store_unfit', `redis-server ended at its start. Its last words:\n${lines}`)
}

function openLog(folder: string): { readonly file: string; readonly handle: number } {
  const file = join(folder, 'redis.log')
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size > MAX_LOG_BYTES) renameSync(file, `${file}.1`)
  return { file, handle: openSync(file, 'a', 0o600) }
}

const LAST_LINES = 15
const LAST_BYTES = 16 * 1024

/** What the server wrote last, from a place in its log on. */
export async function lastLogLines(folder: string, fromByte = 0): Promise<string> {
  const handle = await open(join(folder, 'redis.log')).catch(() => undefined)
  if (!handle) return ''
  try {
    const { size } = await handle.stat()
    const from = Math.max(fromByte > size ? 0 : fromByte, size - LAST_BYTES)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(LAST_BYTES), 0, LAST_BYTES, from)
    const lines = buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n')
    return lines.slice(-LAST_LINES).join('\n')
  } finally {
    await handle.close()
  }
}
