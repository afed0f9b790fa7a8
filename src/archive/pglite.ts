/** PostgreSQL in WebAssembly, as the archive runs it. */
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

/** Makes the database where there is none. */
export function openDatabase(dataDir: string): Promise<PGlite> {
  return PGlite.create({ dataDir, startParams: [...START] })
}
