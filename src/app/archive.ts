/** The archive, joined to the store, the settings, the log and the counters. */
import { join } from 'node:path'
import { Archive } from '../archive/archive.ts'
import { Database } from '../archive/database.ts'
import type { Settings } from '../catalog/settings.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { tryLock } from '../store/file-lock.ts'
import { RedisStreams } from '../store/redis-streams.ts'
import type { Core } from './core.ts'
import { Loops } from './loops.ts'

export interface ArchiveInput {
  readonly core: Core
  readonly settings: () => Settings
  readonly log: Logger
  readonly metrics: Metrics
}

export interface StartedArchive {
  readonly archive: Archive
  /** No round is begun any more, and the one under way is over. */
  readonly rest: () => Promise<void>
  readonly close: () => Promise<void>
}

const ROUND_MS = 1_000

/** The embedded database costs a machine that has just started more than an archive that begins a little later. */
const EMBEDDED_AFTER_MS = 30_000

/** What takes longer than `useMs` is given up. */
export function archiveDatabase({ databaseUrl, dataDir }: Settings, useMs?: number): Database {
  const embedded = { folder: join(dataDir, 'archive'), lock: tryLock }
  return new Database({ url: databaseUrl, embedded, ...(useMs === undefined ? {} : { useMs }) })
}

export async function startArchive({ core, settings, log, metrics }: ArchiveInput): Promise<StartedArchive> {
  const { keys, partitions, clock } = core
  const store = await core.store.duplicate()
  const database = archiveDatabase(settings())
  const archive = new Archive({
    database,
    streams: new RedisStreams({ store, keys, partitions }),
    clock,
    hotDays: () => settings().archive.hotDays,
    observer: {
      archived: (rows) => metrics.archived(rows),
      lost: (partition, rows) => {
        metrics.archiveLost(rows)
        log.error({ partition, rows }, 'the store lost entries that were archived: they are put aside')
      },
    },
  })
  const loops = new Loops(log, () => undefined)
  if (settings().roles.includes('archive')) loops.start(rounds({ archive, core, metrics }, loops))
  return {
    archive,
    rest: () => loops.stop(),
    close: async () => {
      await database.close()
      await store.close()
    },
  }
}

interface RoundParts {
  readonly archive: Archive
  readonly core: Core
  readonly metrics: Metrics
}

function rounds({ archive, core, metrics }: RoundParts, loops: Loops) {
  const beganAtMs = core.clock.nowMs()
  const round = async (): Promise<void> => {
    metrics.archiveBehind(archive.archiver.behindMs)
    const isEarly = core.clock.nowMs() - beganAtMs < EMBEDDED_AFTER_MS
    if (archive.database.isEmbedded && !archive.database.isOpen && isEarly) return
    await archive.database.open()
    await archive.archiver.round(() => loops.isStopping)
    metrics.archiveBehind(archive.archiver.behindMs)
  }
  return { name: 'archive', everyMs: () => ROUND_MS, round }
}
