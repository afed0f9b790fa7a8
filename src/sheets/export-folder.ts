/** The folder of exports: a file that is being written has another name until it is whole. */
import { createWriteStream } from 'node:fs'
import { access, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ExportFile, ExportFolder } from '../exports/export-job.ts'
import { csvFile } from './csv-file.ts'
import { jsonlFile } from './jsonl-file.ts'
import { xlsxFile } from './xlsx-file.ts'

const PART = '.part'

export class DiskExportFolder implements ExportFolder {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async write(file: ExportFile): Promise<number> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const path = join(this.#folder, file.name)
    const part = `${path}${PART}`
    try {
      await pipeline(bytesOf(file), createWriteStream(part, { mode: 0o600 }))
      await flush(part)
      const { size } = await stat(part)
      await rename(part, path)
      return size
    } catch (error) {
      await rm(part, { force: true })
      throw error
    }
  }

  async pathOf(name: string): Promise<string | undefined> {
    const path = join(this.#folder, name)
    return access(path).then(
      () => path,
      () => undefined,
    )
  }

  async remove(name: string): Promise<void> {
    const path = join(this.#folder, name)
    await Promise.all([rm(path, { force: true }), rm(`${path}${PART}`, { force: true })])
  }

  async names(): Promise<readonly string[]> {
    const found = await readdir(this.#folder).catch(() => [])
    return [...new Set(found.map((name) => name.replace(/\.part$/, '')))]
  }
}

/** On disk before it is called whole. */
async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function bytesOf(file: ExportFile): Readable {
  switch (file.format) {
    case 'csv':
      return Readable.from(csvFile(file), { objectMode: false })
    case 'jsonl':
      return Readable.from(jsonlFile(file), { objectMode: false })
    case 'xlsx':
      return xlsxFile(file)
  }
}
