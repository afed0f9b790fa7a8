/** The folder of exports: a file that is being written has another name until it is whole. */
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExportFile, ExportFolder } from '../exports/export-job.ts'
import { writeInThread } from './sheet-thread.ts'

const PART = '.part'

export class DiskExportFolder implements ExportFolder {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async write({ name, content, format, heading, records }: ExportFile): Promise<number> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const path = join(this.#folder, name)
    const part = `${path}${PART}`
    try {
      const bytes = await writeInThread({ path: part, content, format, heading }, records)
      await rename(part, path)
      return bytes
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
