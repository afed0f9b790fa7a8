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
    const answered = await database.execProtocolRaw(bytes)
    if (answered.length > 0) port.postMessage(answered)
  }
  const end = async (): Promise<void> => {
    await database.close()
    port.close()
  }
  port.postMessage('ready')
}

if (parentPort) await serve(parentPort, (workerData as { readonly dataDir: string }).dataDir)
