/** A file that is there whole or not at all. */
import { open, rename, rm } from 'node:fs/promises'
import { CliFailure } from './context.ts'

export async function writeWhole(file: string, texts: AsyncIterable<string> | Iterable<string>): Promise<void> {
  const part = `${file}.part`
  const handle = await open(part, 'w', 0o600).catch((error: unknown) => {
    throw new CliFailure({ code: 'file_unwritable', message: `${part} cannot be written: ${String(error)}` })
  })
  try {
    for await (const text of texts) await handle.writeFile(text)
    await handle.sync()
  } catch (error) {
    await rm(part, { force: true })
    throw error
  } finally {
    await handle.close()
  }
  await rename(part, file)
}
