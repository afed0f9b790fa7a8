/** Puts the config folder to use: tariff files become versions when they change, accounts are created once. */
import type { AccountOffice } from '../accounts/office.ts'
import { Fault } from '../base/fault.ts'
import type { Clock } from '../base/time.ts'
import type { Catalog } from '../catalog/load.ts'
import { newAccount, type NewAccount } from '../catalog/new-account.ts'
import type { TariffFile } from '../catalog/tariff-file.ts'
import type { Logger } from '../observe/log.ts'
import { effectiveAtMs } from './effective.ts'
import type { TariffOffice } from '../rating/book.ts'

export interface SeedParts {
  readonly office: AccountOffice
  readonly tariffs: TariffOffice
  readonly clock: Clock
  readonly log: Logger
}

/** May be repeated at any time and by any daemon: what is there already stays as it is. */
export async function seed(parts: SeedParts, catalog: Catalog): Promise<void> {
  for (const file of catalog.tariffs.values()) await seedTariff(parts, file)
  for (const config of catalog.accounts) await seedAccount(parts, newAccount(config))
}

async function seedTariff({ tariffs, clock, log }: SeedParts, file: TariffFile): Promise<void> {
  const { name } = file.head
  const added = await tariffs.addVersion(file.head, file.rows)
  if (added.kind === 'invalid') throw new Fault('config_invalid', `tariff ${name} cannot be stored`)
  const { version } = added.version
  const known = (await tariffs.versions(name))?.find((stored) => stored.version === version)
  // Versions that were put in force before, and perhaps taken back by an operator, are left alone.
  if (known && known.activations.length > 0) return
  await tariffs.activate(name, version, effectiveAtMs(file.head, clock.nowMs()))
  log.info({ tariff: name, version, rates: added.version.rates }, 'tariff version from the config folder')
}

async function seedAccount({ office, log }: SeedParts, account: NewAccount): Promise<void> {
  const { id, profile, pools, credit } = account
  const known = await office.get(id)
  if (!known) {
    const saved = await office.put(id, profile)
    if (saved.kind === 'refused') throw new Fault('config_invalid', `account ${id}: ${saved.detail}`)
    log.info({ account: id }, 'account from the config folder')
  }
  // Each step has an id of its own, so a daemon killed between them is made good by the next start.
  for (const [index, pool] of pools.entries()) {
    const made = await office.addPool(id, { id: `config-${index + 1}`, ...pool }, `config-pool-${index + 1}`)
    if (made.kind === 'refused' && made.code !== 'request_conflict') {
      throw new Fault('config_invalid', `account ${id}, pool ${pool.name}: ${made.detail}`)
    }
  }
  if (credit > 0n) {
    const reason = 'opening credit of the config folder'
    await office.credit({ account: id, amount: credit, operation: 'config-opening-credit', kind: 'adjustment', reason })
  }
}
