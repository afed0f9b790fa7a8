/** A file that is there whole or not at all. */
import { open, rename, rm } from 'node:fs/promises'
import { CliFailure } from './context.ts'

export async function writeWhole(
  file: string,
  parts: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
): Promise<void> {
  const part = `${file}.part`
  const handle = await open(part, 'w', 0o600).catch((error: unknown) => {
    throw new CliFailure({ code: 'file_unwritable', message: `${part} cannot be written: ${String(error)}` })
  })
  try {
    for await (const some of parts) await handle.writeFile(some)
    await handle.sync()
  } catch (error) {
    await rm(part, { force: true })
    throw error
  } finally {
    await handle.close()
  }
  await rename(part, file)
}
