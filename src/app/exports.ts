/** Exports on the store, the folder and the queue: whichever daemon is free makes them. */
import { randomInt, randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import type { Archive } from '../archive/archive.ts'
import type { Settings } from '../catalog/settings.ts'
import { ExportDesk } from '../exports/export-desk.ts'
import { ExportJob } from '../exports/export-job.ts'
import { exponentialPause } from '../jobs/job-kind.ts'
import type { JobQueues } from '../jobs/job-queues.ts'
import type { Logger } from '../observe/log.ts'
import { DiskExportFolder } from '../sheets/export-folder.ts'
import { RedisExports } from '../store/redis-exports.ts'
import type { UsageDesk } from '../usage/summary.ts'
import type { Core } from './core.ts'
import { Loops } from './loops.ts'

export interface ExportsInput {
  readonly core: Core
  readonly archive: Archive
  readonly usage: UsageDesk
  readonly queues: JobQueues
  readonly settings: () => Settings
  readonly log: Logger
}

export interface Exports {
  readonly desk: ExportDesk
  readonly rest: () => Promise<void>
}

/** With their pauses two minutes, in which a database that is started again is back. */
const ATTEMPTS = 8
const HOUR_MS = 3_600_000
const SWEEP_MS = 600_000
const RANDOM_STEPS = 1_000

export function openExports({ core, archive, usage, queues, settings, log }: ExportsInput): Exports {
  const { dataDir, exports } = settings()
  const store = new RedisExports(core)
  const folder = new DiskExportFolder(exports.folder ?? resolve(dataDir, 'exports'))
  const keptMs = () => settings().exports.keptHours * HOUR_MS
  const shared = { store, folder, clock: core.clock, ids: () => randomUUID().replaceAll('-', ''), keptMs }
  const job = new ExportJob({ ...shared, archive: archive.exports, usage })
  const queue = queues.open<{ readonly id: string }>({
    name: 'exports',
    attempts: ATTEMPTS,
    pauseMs: exponentialPause(() => randomInt(RANDOM_STEPS) / RANDOM_STEPS),
    atOnce: 1,
    about: ({ id }) => ({ export: id }),
    run: ({ id }, attempt) => job.run(id, attempt >= ATTEMPTS),
  })
  const enqueue = (id: string): Promise<void> => queue.add([{ id, data: { id } }])
  const loops = new Loops(log, () => undefined)
  loops.start({ name: 'export files', everyMs: () => SWEEP_MS, round: () => job.sweep() })
  return {
    desk: new ExportDesk({ ...shared, enqueue, most: () => settings().exports.perAccount }),
    rest: () => {
      job.rest()
      return loops.stop()
    },
  }
}
