/** A file that is there whole or not at all, also when the person who waits for it has had enough. */
import { rmSync } from 'node:fs'
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
  const forget = onInterrupt(() => rmSync(part, { force: true }))
  try {
    for await (const some of parts) await handle.writeFile(some)
    await handle.sync()
  } catch (error) {
    await rm(part, { force: true })
    throw error
  } finally {
    await handle.close()
    forget()
  }
  await rename(part, file)
}

/** Does it before a signal ends the process; until the answer is called. */
function onInterrupt(work: () => void): () => void {
  const interrupted = (signal: NodeJS.Signals): void => {
    forget()
    work()
    process.kill(process.pid, signal)
  }
  const forget = (): void => {
    for (const signal of SIGNALS) process.removeListener(signal, interrupted)
  }
  for (const signal of SIGNALS) process.on(signal, interrupted)
  return forget
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
