/** Makes the file of an export: page by page from its source to its folder, so that a year of calls needs no more memory than a day. */
import { Fault } from '../base/fault.ts'
import type { Clock } from '../base/time.ts'
import type { Export, ExportContent, ExportFormat, ExportStore, TakenExport } from './export.ts'
import { type Heading, headingOf } from './heading.ts'
import type { RecordLines } from './record-lines.ts'
import { type RecordPage, recordPages, type RecordSources } from './records.ts'

export interface ExportFile {
  readonly name: string
  readonly content: ExportContent
  readonly format: ExportFormat
  /** None writes no rows before the titles. */
  readonly heading: Heading
  /** Page by page, as `recordPages` has them; each is the taker's. */
  readonly records: AsyncIterable<RecordLines>
}

/** Where files are until they expire. */
export interface ExportFolder {
  /** A file of that name is there whole or not at all; answers with its bytes. */
  write(file: ExportFile): Promise<number>
  /** Undefined when it is not here. */
  pathOf(name: string): Promise<string | undefined>
  remove(name: string): Promise<void>
  names(): Promise<readonly string[]>
}

export interface ExportJobParts extends RecordSources {
  readonly store: ExportStore
  readonly folder: ExportFolder
  readonly clock: Clock
  /** A new text for each attempt, so that of two that run at once neither writes into the file of the other. */
  readonly ids: () => string
  readonly keptMs: () => number
}

/** How often people are told how far it is. */
const TOLD_MS = 500

/** More daemons than that do not die by chance: it may be what kills them. */
const MOST_DIED = 3

/** It was taken back, or another attempt goes on with it: nobody waits for this one. */
class Superseded extends Error {}

export class ExportJob {
  readonly #parts: ExportJobParts
  #isResting = false

  constructor(parts: ExportJobParts) {
    this.#parts = parts
  }

  /** Attempts under way end at their next page, and are made again by another daemon. */
  rest(): void {
    this.#isResting = true
  }

  /** May be called again for one that is done; a throw is a failed attempt. */
  async run(id: string, isLast: boolean): Promise<void> {
    const taken = await this.#parts.store.take(id)
    if (!taken) return
    const { found, attempt } = taken
    // An attempt that ends says so, also when its daemon is stopped.
    const died = (found.died ?? 0) + (found.state === 'running' ? 1 : 0)
    const begun: TakenExport = { attempt, found: { ...found, state: 'running', rows: 0, progress: 0, died } }
    try {
      if (died < MOST_DIED) await this.#make(begun)
      else await this.#save(begun, { state: 'failed', reason: `${died} daemons died while they made it` })
    } catch (error) {
      if (error instanceof Superseded) return
      const reason = error instanceof Error ? error.message : String(error)
      await this.#parts.store.save({ ...begun.found, state: isLast ? 'failed' : 'queued', reason }, attempt)
      throw error
    }
  }

  async #make(begun: TakenExport): Promise<void> {
    const { folder, clock, ids, keptMs } = this.#parts
    const { id, order } = begun.found
    const name = `${id}.${ids()}.${order.format}`
    await this.#save(begun, {})
    const counted = { rows: 0 }
    const records = this.#told(begun, recordPages(order, this.#parts), counted)
    const heading = order.heading ? headingOf(order, clock.nowMs()) : []
    const { content, format } = order
    const bytes = await folder.write({ name, content, format, heading, records })
    const { reason: _overcome, died: _survived, ...found } = begun.found
    const done = { rows: counted.rows, progress: 1000, expiresAtMs: clock.nowMs() + keptMs(), file: name, bytes }
    try {
      await this.#save({ ...begun, found }, { state: 'done', ...done })
    } catch (error) {
      if (error instanceof Superseded) await folder.remove(name)
      throw error
    }
  }

  async *#told(
    begun: TakenExport,
    pages: AsyncIterable<RecordPage>,
    counted: { rows: number },
  ): AsyncGenerator<RecordLines> {
    const { clock } = this.#parts
    let toldAtMs = -Infinity
    for await (const { lines, count, done } of pages) {
      if (this.#isResting) throw new Fault('unexpected', 'the daemon that made it was stopped', { retryable: true })
      yield lines
      counted.rows += count
      if (clock.nowMs() - toldAtMs < TOLD_MS) continue
      toldAtMs = clock.nowMs()
      await this.#save(begun, { rows: counted.rows, progress: done })
    }
  }

  async #save({ found, attempt }: TakenExport, changes: Partial<Export>): Promise<void> {
    if (!(await this.#parts.store.save({ ...found, ...changes }, attempt))) throw new Superseded()
  }

  /** Removes files that belong to no export any more. */
  async sweep(): Promise<void> {
    const { store, folder } = this.#parts
    for (const name of await folder.names()) {
      const found = await store.find(name.split('.')[0] ?? '')
      const isWanted = found && (found.state === 'done' ? found.file === name : found.state !== 'failed')
      if (!isWanted) await folder.remove(name)
    }
  }
}
