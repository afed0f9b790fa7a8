/** Builds an empty store from its archive; no daemon may run on that store meanwhile. */
import { mkdir } from 'node:fs/promises'
import { ArchivedCopy } from '../archive/copy.ts'
import type { Clock } from '../base/time.ts'
import { loadCatalog } from '../catalog/load.ts'
import { formatProblem } from '../catalog/problems.ts'
import type { ConfigSource } from '../catalog/settings.ts'
import { Fault } from '../base/fault.ts'
import { createLog } from '../observe/log.ts'
import { Metrics } from '../observe/metrics.ts'
import { Keys } from '../store/keys.ts'
import { type Rebuilt, StoreRebuild } from '../store/rebuild.ts'
import { archiveDatabase } from './archive.ts'
import { startStore } from './store.ts'

export type { Rebuilt } from '../store/rebuild.ts'

export async function restoreStore(source: ConfigSource, clock: Clock): Promise<Rebuilt> {
  const loaded = await loadCatalog(source)
  if (loaded.kind === 'invalid') throw new Fault('config_invalid', loaded.problems.map(formatProblem).join('\n'))
  const { settings } = loaded.catalog
  await mkdir(settings.dataDir, { recursive: true, mode: 0o700 })
  const database = archiveDatabase(settings)
  const started = await startStore(settings, createLog({ level: 'error' }), new Metrics())
  try {
    await database.open()
    return await new StoreRebuild({
      store: started.store,
      keys: new Keys(),
      clock,
      copy: new ArchivedCopy(database),
      hotDays: settings.archive.hotDays,
      rememberDays: settings.calls.rememberDays,
    }).run()
  } finally {
    await database.close()
    await started.stop()
  }
}
