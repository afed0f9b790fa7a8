/**
 * A table of an account's records that is made in the background and kept for a while.
 *
 *   queued ──▶ running ──▶ done      its file is whole, and is there until it expires
 *      ▲        ▲ │ ├────▶ failed    all attempts failed, or too many daemons died of it
 *      │        └─┘ │                its daemon died: another makes it from the beginning
 *      └────────────┘                the attempt failed, or its daemon was stopped: likewise
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
  /** Daemons that died in the middle of it. */
  readonly died?: number
}

export interface TakenExport {
  readonly found: Export
  /** Counts from 1. */
  readonly attempt: number
}

/** Where exports are remembered until they expire. */
export interface ExportStore {
  /** False when the account has `most` already. */
  add(made: Export, most: number): Promise<boolean>
  find(id: string): Promise<Export | undefined>
  /** Begins an attempt; undefined when its file is made, it was taken back or has expired. */
  take(id: string): Promise<TakenExport | undefined>
  /** False when it was taken back, has expired or another attempt was begun; then nothing is written. */
  save(changed: Export, attempt: number): Promise<boolean>
  remove(made: Export): Promise<void>
  /** The newest first. */
  list(account: string): Promise<readonly Export[]>
}
