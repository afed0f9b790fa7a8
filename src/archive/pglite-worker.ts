/** PostgreSQL in WebAssembly, in a thread of its own: it works for seconds at a time, and decisions do not wait for that. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'

/** PGlite's own, but for -F: what is committed is on the disk. Buffers as small as the traffic of one daemon needs. */
const START = [
  '--single',
  '-O',
  '-j',
  ...settings({
    search_path: 'public',
    exit_on_error: 'false',
    log_checkpoints: 'false',
    io_method: 'sync',
    max_worker_processes: '0',
    max_parallel_workers: '0',
    max_parallel_workers_per_gather: '0',
    max_parallel_maintenance_workers: '0',
    shared_buffers: '16MB',
    wal_buffers: '1MB',
    max_wal_size: '64MB',
  }),
]

function settings(values: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** Takes bytes of the protocol, each message after the other; null is the end. */
async function serve(port: MessagePort, dataDir: string): Promise<void> {
  const database = await PGlite.create({ dataDir, startParams: [...START] })
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
