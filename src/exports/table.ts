/** A table as exports write it: titles, and rows that come page by page. */
import type { Heading } from './heading.ts'

export interface Column {
  /** Small letters and "_". */
  readonly title: string
  /** Digits that are no quantity, such as telephone numbers, are text. */
  readonly kind: 'text' | 'number' | 'amount'
}

export type Cell = string | number | undefined

export interface Row {
  readonly cells: readonly Cell[]
  /** The record as JSON, where it says more than the cells do. */
  readonly json?: string
}

export interface Table {
  readonly columns: readonly Column[]
  readonly pages: AsyncIterable<readonly Row[]>
}

/** A table, and what is said above it; an empty heading is none. */
export interface Sheet {
  readonly heading: Heading
  readonly table: Table
}

/** What a column is called, what it holds, and how it is taken from a record. New ones are added at the end: people count them. */
export type ColumnOf<Item> = readonly [title: string, kind: Column['kind'], cell: (item: Item) => Cell]

export function columnsOf<Item>(columns: readonly ColumnOf<Item>[]): readonly Column[] {
  return columns.map(([title, kind]) => ({ title, kind }))
}

export function cellsOf<Item>(columns: readonly ColumnOf<Item>[], item: Item): readonly Cell[] {
  return columns.map(([, , cell]) => cell(item))
}
