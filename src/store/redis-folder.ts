/** The folder of the embedded server: its configuration, where it listens, and its password where it needs one. */
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import type { Address } from './redis-process.ts'

/** Kernels take about 108 bytes; some room is left. */
const MAX_SOCKET_BYTES = 100

export interface RedisFolder {
  readonly folder: string
  readonly config: string
  readonly lock: string
  readonly address: Address
}

const folderOf = (dataDir: string): string => join(resolve(dataDir), 'redis')
const configIn = (folder: string): string => join(folder, 'redis.conf')

function socketIn(folder: string): string | undefined {
  const socket = join(folder, 'redis.sock')
  return Buffer.byteLength(socket) <= MAX_SOCKET_BYTES ? socket : undefined
}

/** Where the server of a data folder listens; undefined when none was ever started there. */
export async function findRedisFolder(dataDir: string): Promise<RedisFolder | undefined> {
  const folder = folderOf(dataDir)
  const text = await readFile(configIn(folder), 'utf8').catch(() => undefined)
  const address = text === undefined ? undefined : addressIn(text)
  return address && { folder, config: configIn(folder), lock: join(folder, 'lock'), address }
}

/** Makes the folder ready for a start. A port and password that were chosen before are kept. */
export async function prepareRedisFolder(dataDir: string): Promise<RedisFolder> {
  const folder = folderOf(dataDir)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  const path = socketIn(folder)
  const known = path === undefined ? (await findRedisFolder(dataDir))?.address : undefined
  const address = path === undefined ? (known ?? (await freeAddress())) : { path }
  return { folder, config: configIn(folder), lock: join(folder, 'lock'), address }
}

/** Written anew for each start of the server, whole or not at all. */
export async function writeConfig(place: RedisFolder, appendFsync: 'everysec' | 'always'): Promise<void> {
  const { folder, config, address } = place
  const listening =
    'path' in address
      ? ['port 0', `unixsocket ${quoted(address.path)}`, 'unixsocketperm 600']
      : [`port ${address.port}`, 'bind 127.0.0.1', `requirepass ${quoted(address.password)}`]
  const lines = [
    '# Written by tollgate whenever it starts this server.',
    ...listening,
    `dir ${quoted(folder)}`,
    'daemonize no',
    'supervised no',
    'pidfile redis.pid',
    'logfile ""',
    'loglevel notice',
    'databases 1',
    'save ""',
    'appendonly yes',
    `appendfsync ${appendFsync}`,
    'no-appendfsync-on-rewrite no',
    'aof-load-truncated yes',
    'maxmemory 0',
    'maxmemory-policy noeviction',
  ]
  await writeFile(`${config}.new`, `${lines.join('\n')}\n`, { mode: 0o600 })
  await rename(`${config}.new`, config)
}

/** As RedisStore takes it. */
export function urlOf(address: Address): string {
  return 'path' in address ? address.path : `redis://:${address.password}@127.0.0.1:${address.port}`
}

function addressIn(config: string): Address | undefined {
  const value = (name: string): string | undefined => new RegExp(`^${name} (.*)$`, 'm').exec(config)?.[1]
  const path = value('unixsocket')
  if (path !== undefined) return { path: unquoted(path) }
  const port = Number(value('port'))
  const password = value('requirepass')
  return port > 0 && password !== undefined ? { port, password: unquoted(password) } : undefined
}

/** Any user of the machine can reach a port, so it needs a password; the configuration that holds it is ours alone. */
async function freeAddress(): Promise<Address> {
  const server = createServer()
  await new Promise<void>((done, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', done)
  })
  const found = server.address()
  await new Promise<void>((done) => {
    server.close(() => {
      done()
    })
  })
  const port = typeof found === 'object' && found ? found.port : 0
  return { port, password: randomBytes(24).toString('hex') }
}

function quoted(text: string): string {
  const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
  return `"${text.replace(/[\\"\n\r\t]/g, (character) => escapes[character] ?? character)}"`
}

function unquoted(text: string): string {
  const characters: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }
  return text.slice(1, -1).replace(/\\(.)/g, (_, escaped: string) => characters[escaped] ?? escaped)
}
