/** sipp as a load: a called side that answers every call, and callers that make as many as go, so many at once. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { callingNumber } from './caller.ts'
import { freePort, Process, until } from '../../../test/edges/sip/process.ts'

export interface Load {
  readonly target: number
  /** Calls at once, at most. */
  readonly atOnce: number
  readonly calls: number
  readonly accounts: readonly string[]
  readonly folder: string
  /** Calls a second, at most. */
  readonly rate?: number
  readonly talkMs?: number
}

export interface Loaded {
  readonly seconds: number
  readonly ended: number
  readonly failed: number
}

/** Never reached: calls at once are what bounds them. */
const MOST_A_SECOND = 2_500
/** Long enough for the ACK to be through before the BYE comes. */
const TALK_MS = 50
const WITHIN_SECONDS = 60
/** sipp's own choice holds some thirty messages, and loses what comes beside them. */
const ROOM = ['-buff_size', '1048576']
const NUMBER = '+442079460999'

/** Answers every call until it is ended. */
export async function answering(port: number): Promise<Process> {
  const scenario = fileURLToPath(new URL('../../../test/edges/sip/scenarios/uas-answers.xml', import.meta.url))
  const args = ['-sf', scenario, '-i', '127.0.0.1', '-p', String(port), '-nostdin', '-timeout', '600s', ...ROOM]
  const running = new Process({ name: 'sipp, the called side', file: 'sipp', args })
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  const listens = async (): Promise<boolean> =>
    (await readFile('/proc/net/udp', 'utf8')).includes(`0100007F:${hexPort}`)
  await until('the called side listens', listens, { explain: () => running.output })
  return running
}

/** Makes all the calls; resolves when they are over. */
export async function load(wish: Load): Promise<Loaded> {
  await mkdir(wish.folder, { recursive: true })
  const accounts = join(wish.folder, 'accounts.csv')
  await writeFile(
    accounts,
    ['SEQUENTIAL', ...wish.accounts.map((account, index) => `${account};${callingNumber(index)};`), ''].join('\n'),
  )
  const scenario = fileURLToPath(new URL('./caller.xml', import.meta.url))
  const statistics = join(wish.folder, 'statistics.csv')
  const args = [
    `127.0.0.1:${wish.target}`,
    ...['-sf', scenario, '-inf', accounts, '-s', NUMBER, '-i', '127.0.0.1', '-p', String(await freePort())],
    ...[
      '-r',
      String(wish.rate ?? MOST_A_SECOND),
      '-l',
      String(wish.atOnce),
      '-m',
      String(wish.calls),
      '-d',
      String(wish.talkMs ?? TALK_MS),
      '-nostdin',
    ],
    ...['-trace_stat', '-stf', statistics],
    ...ROOM,
    ...['-recv_timeout', String(5_000 + (wish.talkMs ?? 0)), '-timeout', `${WITHIN_SECONDS}s`],
  ]
  const running = new Process({ name: 'sipp, the callers', file: 'sipp', args, cwd: wish.folder })
  await until('the callers are done', () => !running.running, {
    withinMs: (WITHIN_SECONDS + 10) * 1_000,
    explain: () => running.output.slice(-4_000),
  })
  const figures = lastLine(await readFile(statistics, 'utf8'))
  return {
    seconds: instantOf(figures['CurrentTime']) - instantOf(figures['StartTime']),
    ended: Number(figures['SuccessfulCall(C)']),
    failed: Number(figures['FailedCall(C)']),
  }
}

/** A CSV of sipp has one line for each period, cumulative figures in those columns that end with (C). */
function lastLine(text: string): Readonly<Record<string, string>> {
  const [head = '', ...lines] = text.trim().split('\n')
  const last = (lines.at(-1) ?? '').split(';')
  return Object.fromEntries(head.split(';').map((name, column) => [name, last[column] ?? '']))
}

/** In seconds; sipp writes "<date> <time> <seconds of the epoch>" between tabs. */
function instantOf(text = ''): number {
  return Number(text.split('\t').at(-1))
}
