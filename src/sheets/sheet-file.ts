/** A table as a file in one of the formats. */
import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ExportFormat } from '../exports/export.ts'
import type { Sheet } from '../exports/table.ts'
import { csvFile } from './csv-file.ts'
import { jsonlFile } from './jsonl-file.ts'
import { xlsxFile } from './xlsx-file.ts'

/** On disk when it resolves; answers with the bytes. */
export async function writeSheet(path: string, format: ExportFormat, sheet: Sheet): Promise<number> {
  await pipeline(bytesOf(format, sheet), createWriteStream(path, { mode: 0o600 }))
  const handle = await open(path, 'r+')
  try {
    await handle.sync()
    return (await handle.stat()).size
  } finally {
    await handle.close()
  }
}

function bytesOf(format: ExportFormat, sheet: Sheet): Readable {
  switch (format) {
    case 'csv':
      return Readable.from(csvFile(sheet), { objectMode: false })
    case 'jsonl':
      return Readable.from(jsonlFile(sheet), { objectMode: false })
    case 'xlsx':
      return xlsxFile(sheet)
  }
}
