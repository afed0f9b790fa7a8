/**
 * Calls allowed without the store, on this machine's disk: a file of JSON lines, each synced before its call is allowed.
 * Daemons on one data folder have a file each; what a daemon left that ran here before is taken over by the next. A torn
 * last line is of a call that was never allowed.
 */
import { type FileHandle, copyFile, mkdir, open, readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Fault } from '../base/fault.ts'
import type { CallSpool, SpooledCall } from '../calls/spooled-call.ts'
import type { Logger } from '../observe/log.ts'
import { type FileLock, tryLock } from './file-lock.ts'
import { within } from './within.ts'

export interface SpoolOptions {
  readonly dataDir: string
  readonly log: Pick<Logger, 'error'>
  readonly maxCalls?: number
  /** How long the disk may take for one line. */
  readonly deadlineMs?: number
}

const MAX_DAEMONS = 64
const MAX_CALLS = 10_000
const DEADLINE_MS = 1_000

/** A file is written anew when it has this many lines more than calls. */
const SPARE_LINES = 1_000

const words = z.string().max(2_000)

const spooledCall = z.object({
  legKey: words,
  call: words,
  leg: z.object({ node: words, callId: words, legId: words }),
  account: words,
  currency: words,
  direction: z.enum(['outbound', 'inbound']),
  from: words,
  to: words,
  trunk: words.optional(),
  source: words.optional(),
  user: words.optional(),
  instance: words.optional(),
  ref: z.unknown().optional(),
  content: z.string(),
  allowedAtMs: z.int(),
  capSeconds: z.int(),
})

const spoolLine = z.union([z.object({ add: spooledCall }), z.object({ remove: words })])

type SpoolLine = z.input<typeof spoolLine>

/** Opens a file of its own, with the calls that earlier daemons left. */
export async function openSpool(options: SpoolOptions): Promise<FileSpool> {
  const folder = join(options.dataDir, 'outage')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { own, left } = takeSlots(folder, await readdir(folder))
  const calls = new Map<string, SpooledCall>()
  for (const { file } of [own, ...left]) await readLines(file, calls, options.log)
  const spool = new FileSpool(own, calls, options)
  // Only what is in our file may be deleted from theirs; a crash between the two leaves a call in both, which is one.
  await spool.begin()
  for (const { file, lock } of left) {
    await writeAnew(file, [])
    lock.release()
  }
  return spool
}

interface Slot {
  readonly file: string
  readonly lock: FileLock
}

/** The first free slot is ours; others that have a file and no daemon are taken over. */
function takeSlots(folder: string, names: readonly string[]): { readonly own: Slot; readonly left: readonly Slot[] } {
  const free: Slot[] = []
  for (let slot = 0; slot < MAX_DAEMONS; slot += 1) {
    const name = `calls-${slot}.jsonl`
    if (free.length > 0 && !names.includes(name)) continue
    const lock = tryLock(join(folder, `lock-${slot}`))
    if (lock) free.push({ file: join(folder, name), lock })
  }
  const [own, ...left] = free
  if (!own) throw new Fault('store_unfit', `${MAX_DAEMONS} daemons use ${folder} already`)
  return { own, left }
}

async function readLines(file: string, calls: Map<string, SpooledCall>, log: SpoolOptions['log']): Promise<void> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  })
  const lines = text.split('\n')
  // What follows the last line end was never synced whole.
  lines.pop()
  let damaged = 0
  for (const line of lines) {
    const read = readLine(line)
    if (!read) damaged += 1
    else if ('add' in read) calls.set(read.add.legKey, read.add)
    else calls.delete(read.remove)
  }
  if (damaged === 0) return
  await copyFile(file, `${file}.damaged`)
  log.error({ damaged, kept: `${file}.damaged` }, 'calls allowed without the store cannot be read')
}

/** An empty line ends a piece of one that could not be written. */
function readLine(line: string): z.output<typeof spoolLine> | undefined {
  if (line === '') return { remove: '' }
  try {
    return spoolLine.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}

/** Whole or not at all. */
async function writeAnew(file: string, lines: readonly SpoolLine[]): Promise<void> {
  const handle = await open(`${file}.new`, 'w', 0o600)
  try {
    await handle.writeFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${file}.new`, file)
  const folder = await open(join(file, '..'))
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

export class FileSpool implements CallSpool {
  readonly #slot: Slot
  readonly #calls: Map<string, SpooledCall>
  readonly #options: SpoolOptions
  #file: FileHandle | undefined
  #lines = 0
  /** The last write may have left a piece of a line. */
  #torn = false
  #waiting: SpoolLine[] = []
  #writing: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(slot: Slot, calls: Map<string, SpooledCall>, options: SpoolOptions) {
    this.#slot = slot
    this.#calls = calls
    this.#options = options
  }

  get size(): number {
    return this.#calls.size
  }

  find(key: string): SpooledCall | undefined {
    return this.#calls.get(key)
  }

  all(): readonly SpooledCall[] {
    return [...this.#calls.values()]
  }

  async add(call: SpooledCall): Promise<void> {
    const { maxCalls = MAX_CALLS } = this.#options
    if (this.#calls.size >= maxCalls) {
      throw new Fault('store_overloaded', `${maxCalls} calls wait for the store already`, { retryable: true })
    }
    this.#calls.set(call.legKey, call)
    try {
      await this.#write({ add: call })
    } catch (error) {
      this.#calls.delete(call.legKey)
      // It may be on disk all the same; who reads the file later shall know that it was not allowed.
      this.#write({ remove: call.legKey }).catch(() => undefined)
      throw new Fault('store_unavailable', 'the call cannot be kept on disk', { cause: error })
    }
  }

  async remove(key: string): Promise<void> {
    if (!this.#calls.delete(key)) return
    await this.#write({ remove: key })
  }

  /** Writes the file with the calls there are, and nothing else. */
  async begin(): Promise<void> {
    const before = this.#file
    const calls = this.all()
    await writeAnew(
      this.#slot.file,
      calls.map((add) => ({ add })),
    )
    this.#file = await open(this.#slot.file, 'a', 0o600)
    this.#lines = calls.length
    this.#torn = false
    await before?.close()
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => undefined)
    await this.#file?.close()
    this.#file = undefined
    this.#slot.lock.release()
  }

  /** Lines that come while others are written are written together, with one sync. */
  #write(line: SpoolLine): Promise<void> {
    this.#waiting.push(line)
    this.#next ??= this.#after(this.#writing)
    const { deadlineMs = DEADLINE_MS } = this.#options
    return within(this.#next, { ms: deadlineMs, late: 'the disk is too slow' })
  }

  async #after(running: Promise<void>): Promise<void> {
    await running.catch(() => undefined)
    const lines = this.#waiting
    this.#waiting = []
    this.#writing = this.#append(lines)
    this.#next = undefined
    await this.#writing
  }

  async #append(lines: readonly SpoolLine[]): Promise<void> {
    if (!this.#file) throw new Fault('store_unavailable', 'the spool is closed')
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
    try {
      await this.#file.appendFile(this.#torn ? `\n${text}` : text)
      this.#torn = false
      await this.#file.datasync()
    } catch (error) {
      this.#torn = true
      throw error
    }
    this.#lines += lines.length
    if (this.#lines > this.#calls.size + SPARE_LINES) await this.begin()
  }
}
