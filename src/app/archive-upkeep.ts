/** What is done to a store and its archive while no daemon runs on them. */
import { mkdir } from 'node:fs/promises'
import { Claim } from '../archive/claim.ts'
import { ArchivedCopy } from '../archive/copy.ts'
import type { Database } from '../archive/database.ts'
import { moveArchive } from '../archive/move.ts'
import { Fault } from '../base/fault.ts'
import type { Clock } from '../base/time.ts'
import { loadCatalog } from '../catalog/load.ts'
import { formatProblem } from '../catalog/problems.ts'
import type { ConfigSource, Settings } from '../catalog/settings.ts'
import { createLog } from '../observe/log.ts'
import { Metrics } from '../observe/metrics.ts'
import { Keys } from '../store/keys.ts'
import { type Rebuilt, StoreRebuild } from '../store/rebuild.ts'
import { RedisStreams } from '../store/redis-streams.ts'
import type { RedisStore } from '../store/redis.ts'
import { archiveDatabase } from './archive.ts'
import { installedPartitions } from './installation.ts'
import { startStore } from './store.ts'

export type { Rebuilt } from '../store/rebuild.ts'

/** As long as years of traffic take. */
const MOVE_MS = 86_400_000

interface Opened {
  readonly settings: Settings
  readonly store: RedisStore
  readonly database: Database
}

/** Builds an empty store from its archive. */
export function restoreStore(source: ConfigSource, clock: Clock): Promise<Rebuilt> {
  return withBoth(source, ({ settings, store, database }) =>
    new StoreRebuild({
      store,
      keys: new Keys(),
      clock,
      copy: new ArchivedCopy(database),
      hotDays: settings.archive.hotDays,
      rememberDays: settings.calls.rememberDays,
    }).run(),
  )
}

/** Makes the database that the settings name the archive of the store, whichever it had before. */
export function adoptArchive(source: ConfigSource, clock: Clock): Promise<void> {
  return withBoth(source, async ({ settings, store, database }) => {
    const keys = new Keys()
    const partitions = await installedPartitions(store, keys, { partitions: settings.partitions, clock })
    await new Claim({ database, streams: new RedisStreams({ store, keys, partitions }) }).adopt()
  })
}

/** Copies the archive in the data folder into the database that the settings name; answers with how many rows there are. */
export async function moveEmbeddedArchive(source: ConfigSource): Promise<number> {
  const settings = await settingsOf(source)
  if (settings.databaseUrl === undefined) throw new Fault('config_invalid', 'TOLLGATE_DATABASE_URL names no database')
  const { databaseUrl: _, ...embedded } = settings
  const from = archiveDatabase({ ...embedded, databaseUrl: undefined }, MOVE_MS)
  const to = archiveDatabase(settings, MOVE_MS)
  try {
    await from.open()
    await to.open()
    return await moveArchive(from, to)
  } finally {
    await from.close()
    await to.close()
  }
}

async function settingsOf(source: ConfigSource): Promise<Settings> {
  const loaded = await loadCatalog(source)
  if (loaded.kind === 'invalid') throw new Fault('config_invalid', loaded.problems.map(formatProblem).join('\n'))
  return loaded.catalog.settings
}

async function withBoth<T>(source: ConfigSource, work: (opened: Opened) => Promise<T>): Promise<T> {
  const settings = await settingsOf(source)
  await mkdir(settings.dataDir, { recursive: true, mode: 0o700 })
  const database = archiveDatabase(settings)
  const started = await startStore(settings, createLog({ level: 'error' }), new Metrics())
  try {
    await database.open()
    return await work({ settings, store: started.store, database })
  } finally {
    await database.close()
    await started.stop()
  }
}
