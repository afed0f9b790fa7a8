/** What kind of file a deck is, by its first bytes and not by its name; what cannot be read is refused with what to do. */
import { stat } from 'node:fs/promises'
import { openDelimited } from './delimited.ts'
import { firstBytes } from './first-bytes.ts'
import type { Mapping } from './layout.ts'
import { type Sheet, SheetFault } from './sheet.ts'
import { openWorkbook } from './workbook.ts'

const MAGIC_BYTES = 512
const MAX_DECK_BYTES = 1024 * 1024 * 1024

export interface DeckFile {
  readonly path: string
  /** Of a workbook. */
  readonly sheet?: string | undefined
  readonly mappings: readonly Mapping[]
  /** Told how far reading is, in thousandths. */
  readonly progress: (done: number) => void
}

const SAVE_AS = 'open it in a spreadsheet and save it as .xlsx or CSV'

/** By what a file begins with. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/^\xd0\xcf\x11\xe0/, `is an old Excel file (.xls) or has a password: ${SAVE_AS}`],
  [/^%PDF/, 'is a PDF: ask for the rates as .xlsx or CSV'],
  [/^\s*(<!DOCTYPE html|<html|<table|<\?xml|<head)/i, `is a web page or XML, whatever its name says: ${SAVE_AS}`],
  [/^(\x1f\x8b|Rar!|7z\xbc\xaf|BZh)/, 'is an archive: unpack it'],
]

export async function openSheet({ path, progress, ...file }: DeckFile): Promise<Sheet & { close?(): void }> {
  const { size } = await stat(path)
  if (size === 0) throw new SheetFault('is empty')
  if (size > MAX_DECK_BYTES) throw new SheetFault(`is larger than ${MAX_DECK_BYTES} bytes`)
  const head = (await firstBytes(path, MAGIC_BYTES)).toString('latin1')
  const [, refusal] = REFUSED.find(([magic]) => magic.test(head)) ?? []
  if (refusal !== undefined) throw new SheetFault(refusal)
  if (head.startsWith('PK')) return await openWorkbook({ path, progress, ...file })
  return await openDelimited({
    path,
    mappings: file.mappings,
    progress: (bytes) => progress(Math.floor((1000 * bytes) / size)),
  })
}
