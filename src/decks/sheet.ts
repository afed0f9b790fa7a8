/** A table of text, whatever file it is in: rows with their numbers, read as often as asked. */
import type { SheetRow } from './layout.ts'

export interface Sheet {
  /** How it was read: encoding and delimiter, or the name of the sheet. */
  readonly form: Readonly<Record<string, string>>
  rows(): AsyncIterable<SheetRow>
}

/** The file cannot be read any further. */
export class SheetFault extends Error {
  /** 0 is the whole file. */
  readonly line: number

  constructor(message: string, line = 0) {
    super(message)
    this.name = 'SheetFault'
    this.line = line
  }
}
