/** Exports are asked for, looked at and taken back; a job makes them. */
import type { Clock } from '../base/time.ts'
import type { Export, ExportOrder, ExportStore } from './export.ts'
import type { ExportFolder } from './export-job.ts'

export type ExportRefusalCode = 'too_many_exports' | 'export_unknown' | 'export_unfinished' | 'export_elsewhere'

export interface ExportRefused {
  readonly kind: 'refused'
  readonly code: ExportRefusalCode
  readonly detail: string
}

export interface ExportDeskParts {
  readonly store: ExportStore
  readonly folder: Pick<ExportFolder, 'pathOf' | 'remove'>
  /** Has the file made in the background. */
  readonly enqueue: (id: string) => Promise<void>
  readonly clock: Clock
  readonly ids: () => string
  readonly keptMs: () => number
  /** Exports of one account at once. */
  readonly most: () => number
}

export class ExportDesk {
  readonly #parts: ExportDeskParts

  constructor(parts: ExportDeskParts) {
    this.#parts = parts
  }

  async create(order: ExportOrder): Promise<Export | ExportRefused> {
    const { store, enqueue, clock, ids, keptMs, most } = this.#parts
    const createdAtMs = clock.nowMs()
    const expiresAtMs = createdAtMs + keptMs()
    const made: Export = { id: ids(), order, state: 'queued', rows: 0, progress: 0, createdAtMs, expiresAtMs }
    if (!(await store.add(made, most()))) {
      return refused('too_many_exports', `account ${order.account} has ${most()} exports: take one back first`)
    }
    try {
      await enqueue(made.id)
    } catch (error) {
      await store.remove(made)
      throw error
    }
    return made
  }

  async find(account: string, id: string): Promise<Export | ExportRefused> {
    const found = await this.#parts.store.find(id)
    return found?.order.account === account
      ? found
      : refused('export_unknown', `account ${account} has no export ${id}`)
  }

  list(account: string): Promise<readonly Export[]> {
    return this.#parts.store.list(account)
  }

  /** The path of a file that is whole. */
  async fileOf(account: string, id: string): Promise<string | ExportRefused> {
    const found = await this.find(account, id)
    if ('code' in found) return found
    if (found.file === undefined) return refused('export_unfinished', `export ${id} is ${found.state}`)
    const path = await this.#parts.folder.pathOf(found.file)
    return path ?? refused('export_elsewhere', `the file of export ${id} is in the folder of another daemon`)
  }

  async remove(account: string, id: string): Promise<Export | ExportRefused> {
    const { store, folder } = this.#parts
    const found = await this.find(account, id)
    if ('code' in found) return found
    await store.remove(found)
    if (found.file !== undefined) await folder.remove(found.file)
    return found
  }
}

function refused(code: ExportRefusalCode, detail: string): ExportRefused {
  return { kind: 'refused', code, detail }
}
