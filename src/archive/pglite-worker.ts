/** PostgreSQL in WebAssembly, in a thread of its own: it works for seconds at a time, and decisions do not wait for that. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { openDatabase } from './pglite.ts'

/** Takes bytes of the protocol, each message after the other; null is the end. */
async function serve(port: MessagePort, dataDir: string): Promise<void> {
  const database = await openDatabase(dataDir)
  let last = Promise.resolve()
  port.on('message', (bytes: Uint8Array | null) => {
    last = last.then(() => (bytes === null ? end() : answer(bytes)))
  })
  const answer = async (bytes: Uint8Array): Promise<void> => {
    const parts: Uint8Array[] = []
    // By execProtocolRaw PGlite (0.5.17) would keep every row that it ever answered with, for who asks by execProtocol.
    await database.execProtocolRawStream(bytes, { onRawData: (part) => parts.push(part.slice()) })
    const whole = joined(parts)
    if (whole.length > 0) port.postMessage(whole, [whole.buffer])
  }
  const end = async (): Promise<void> => {
    await database.close()
    port.close()
  }
  port.postMessage('ready')
}

/** A page in the hundreds of parts that it comes in would be put together again and again. */
function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

if (parentPort) await serve(parentPort, (workerData as { readonly dataDir: string }).dataDir)
