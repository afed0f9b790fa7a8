/**
 * A table of an account's records that is made in the background and kept for a while.
 *
 *   queued ──▶ running ──▶ done      its file is whole, and is there until it expires
 *      ▲          ├──────▶ failed    all attempts failed
 *      └──────────┘                  its daemon died, or the attempt failed: made again from the beginning
 *
 * In each state it may be taken back, and is gone at once; else it is gone when it expires.
 */
import type { Direction } from '../accounts/account.ts'
import type { UsageBy } from '../usage/usage-row.ts'

export const exportContents = ['cdrs', 'transactions', 'usage'] as const
export const exportFormats = ['csv', 'xlsx', 'jsonl'] as const

export type ExportContent = (typeof exportContents)[number]
export type ExportFormat = (typeof exportFormats)[number]

export interface ExportOrder {
  readonly account: string
  readonly content: ExportContent
  readonly format: ExportFormat
  readonly fromMs: number
  readonly untilMs: number
  /** Of the account; days of the heading and of usage are days in it. */
  readonly timezone: string
  readonly includeDescendants: boolean
  /** Only of calls; of transactions and usage undefined. */
  readonly direction?: Direction
  readonly user?: string
  /** Of usage. */
  readonly by: UsageBy
  /** Rows before the titles say what the table is of. */
  readonly heading: boolean
}

export interface Export {
  readonly id: string
  readonly order: ExportOrder
  readonly state: 'queued' | 'running' | 'done' | 'failed'
  /** Rows written so far. */
  readonly rows: number
  /** Thousandths. */
  readonly progress: number
  readonly createdAtMs: number
  readonly expiresAtMs: number
  /** Of one that is done: the name of its file, and how long it is. */
  readonly file?: string
  readonly bytes?: number
  /** Why the last attempt failed. */
  readonly reason?: string
}

/** Where exports are remembered until they expire. */
export interface ExportStore {
  /** False when the account has `most` already. */
  add(made: Export, most: number): Promise<boolean>
  find(id: string): Promise<Export | undefined>
  /** False when it was taken back or has expired; then nothing is written. */
  save(changed: Export): Promise<boolean>
  remove(made: Export): Promise<void>
  /** The newest first. */
  list(account: string): Promise<readonly Export[]>
}
