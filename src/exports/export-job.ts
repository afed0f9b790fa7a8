/** Makes the file of an export: page by page from its source to its folder, so that a year of calls needs no more memory than a day. */
import { Fault } from '../base/fault.ts'
import type { Clock } from '../base/time.ts'
import type { Export, ExportFormat, ExportStore } from './export.ts'
import { type Heading, headingOf } from './heading.ts'
import type { Page, Table } from './table.ts'
import { tableOf, type TableSources } from './tables.ts'

export interface ExportFile {
  readonly name: string
  readonly format: ExportFormat
  /** None writes no rows before the titles. */
  readonly heading: Heading
  readonly table: Table
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

export interface ExportJobParts extends TableSources {
  readonly store: ExportStore
  readonly folder: ExportFolder
  readonly clock: Clock
  /** A new text for each attempt, so that of two that run at once neither writes into the file of the other. */
  readonly ids: () => string
  readonly keptMs: () => number
}

/** How often people are told how far it is. */
const TOLD_MS = 500

class TakenBack extends Error {}

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
    const { store } = this.#parts
    const found = await store.find(id)
    if (!found || found.state === 'done') return
    try {
      await this.#make(found)
    } catch (error) {
      if (error instanceof TakenBack) return
      const reason = error instanceof Error ? error.message : String(error)
      await store.save({ ...found, state: isLast ? 'failed' : 'queued', reason })
      throw error
    }
  }

  async #make(found: Export): Promise<void> {
    const { store, folder, clock, ids, keptMs } = this.#parts
    const { order } = found
    const name = `${found.id}.${ids()}.${order.format}`
    const { columns, pages } = tableOf(order, this.#parts)
    const counted = { rows: 0 }
    const table = { columns, pages: this.#told(found, pages, counted) }
    const heading = order.heading ? headingOf(order, clock.nowMs()) : []
    const bytes = await folder.write({ name, format: order.format, heading, table })
    const expiresAtMs = clock.nowMs() + keptMs()
    const { reason: _overcome, ...rest } = found
    const done: Export = { ...rest, state: 'done', rows: counted.rows, progress: 1000, expiresAtMs, file: name, bytes }
    if (!(await store.save(done))) await folder.remove(name)
  }

  async *#told(found: Export, pages: AsyncIterable<Page>, counted: { rows: number }): AsyncGenerator<Page> {
    const { store, clock } = this.#parts
    let toldAtMs = -Infinity
    for await (const page of pages) {
      if (this.#isResting) throw new Fault('unexpected', 'the daemon that made it was stopped', { retryable: true })
      yield page
      counted.rows += page.rows.length
      if (clock.nowMs() - toldAtMs < TOLD_MS) continue
      toldAtMs = clock.nowMs()
      const running: Export = { ...found, state: 'running', rows: counted.rows, progress: page.done }
      if (!(await store.save(running))) throw new TakenBack()
    }
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
