/** The storage fee on the store: reports come by the API, and one daemon of all bills what is over. */
import type { Settings } from '../catalog/settings.ts'
import { storageSettings } from '../catalog/new-account.ts'
import type { PeriodicWork } from '../events/event.ts'
import { StorageDesk } from '../storage-fee/storage-desk.ts'
import { RedisStorage } from '../store/redis-storage.ts'
import type { Core } from './core.ts'

const BILL_MS = 30_000

export interface StorageFees {
  readonly desk: StorageDesk
  readonly periodic: readonly PeriodicWork[]
}

export function openStorageFees(core: Core, settings: () => Settings): StorageFees {
  const { office, clock } = core
  const desk = new StorageDesk({
    ...{ office, clock, store: new RedisStorage(core) },
    settings: () => storageSettings(settings()),
  })
  return { desk, periodic: [{ name: 'storage', everyMs: BILL_MS, run: () => desk.billDue() }] }
}
