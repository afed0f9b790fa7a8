/** redis-benchmark, and the figures that Redis itself gives of what it did. */
import { spawn } from 'node:child_process'
import { Redis } from 'ioredis'
import { readScript } from '../../src/store/scripts.ts'
import { newLeg } from './authorize-script.ts'
import { mainThreadSeconds, type Sent } from './desk.ts'

/** redis-benchmark puts another number of twelve digits wherever this stands. */
const RANDOM = '__rand_int__'

export interface Ceiling {
  readonly perSecond: number
  /** Of Redis's main thread. */
  readonly micros: number
}

export interface Asked {
  readonly url: string
  readonly requests: number
  readonly pipeline: number
  readonly command: readonly string[]
}

const CONNECTIONS = 50
const LEGS = 100_000_000

export async function ceilingOf({ url, requests, pipeline, command }: Asked): Promise<Ceiling> {
  const client = new Redis(url)
  try {
    const before = await mainThreadSeconds(client)
    const output = await run([
      ...['-p', new URL(url).port, '-n', String(requests), '-P', String(pipeline), '-c', String(CONNECTIONS)],
      ...['-r', String(LEGS), '-q', ...command],
    ])
    const after = await mainThreadSeconds(client)
    const perSecond = Number(/([\d.]+) requests per second/.exec(output)?.[1])
    if (!(perSecond > 0)) throw new Error(`redis-benchmark said: ${output.slice(-500)}`)
    return { perSecond, micros: ((after - before) * 1e6) / requests }
  } finally {
    client.disconnect()
  }
}

export const SET = ['set', `bench:${RANDOM}`, '0123456789abcdef']

/** The script of an authorize at pipeline 16; throws unless nearly all were calls that were let in. */
export async function authorizeCeiling(url: string, requests: number, sample: Sent, pipeline = 16): Promise<Ceiling> {
  const command = await authorizeCommand(url, sample)
  const [, , , due = ''] = sample.keys
  const client = new Redis(url)
  try {
    const before = await client.zcard(due)
    const ceiling = await ceilingOf({ url, requests, pipeline, command })
    const letIn = (await client.zcard(due)) - before
    if (letIn < requests * 0.98) {
      const answer = String(await client.call(command[0] ?? '', ...command.slice(1)))
      throw new Error(`of ${requests} authorizes ${letIn} were let in; one is answered ${answer.slice(0, 200)}`)
    }
    return ceiling
  } finally {
    client.disconnect()
  }
}

/** A new leg each time, so that every request is a call that is let in. */
async function authorizeCommand(url: string, sample: Sent): Promise<readonly string[]> {
  const script = readScript('reserve')
  const client = new Redis(url)
  try {
    await client.script('LOAD', script.source)
  } finally {
    client.disconnect()
  }
  const { keys, args } = newLeg(sample, `L${RANDOM}`)
  return ['evalsha', script.sha1, String(keys.length), ...keys, ...args.map(String)]
}

function run(args: readonly string[]): Promise<string> {
  const child = spawn('redis-benchmark', args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 })
  let output = ''
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()))
  child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve(output) : reject(new Error(`redis-benchmark: ${output}`))))
  })
}
