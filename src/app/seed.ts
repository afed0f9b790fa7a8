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
import type { SeedMarks } from './seed-marks.ts'

export interface SeedParts {
  readonly office: AccountOffice
  readonly tariffs: TariffOffice
  readonly clock: Clock
  readonly log: Logger
  readonly marks: SeedMarks
}

/** How far an account has come. */
const BEGUN = 'begun'
const DONE = 'done'

/** May be repeated at any time and by any daemon: what is there already stays as it is. */
export async function seed(parts: SeedParts, catalog: Catalog): Promise<void> {
  for (const file of catalog.tariffs.values()) await seedTariff(parts, file)
  for (const config of catalog.accounts) await seedAccount(parts, newAccount(config))
}

async function seedTariff({ tariffs, clock, log, marks }: SeedParts, file: TariffFile): Promise<void> {
  const { name } = file.head
  const before = await marks.read(`tariff:${name}`)
  // What operators put in force since stays in force until the file changes.
  if (before === file.sha256) return
  const added = await tariffs.addVersion(file.head, file.rows)
  if (added.kind === 'invalid') throw new Fault('config_invalid', `tariff ${name} cannot be stored`)
  const { version } = added.version
  const known = (await tariffs.versions(name))?.find((stored) => stored.version === version)
  // Another daemon that starts at the same time, or one that was killed, may have come as far as this.
  if (before !== undefined || !known || known.activations.length === 0) {
    await tariffs.activate(name, version, effectiveAtMs(file.head, clock.nowMs()))
    log.info({ tariff: name, version, rates: added.version.rates }, 'tariff version from the config folder')
  }
  await marks.write(`tariff:${name}`, file.sha256)
}

async function seedAccount(parts: SeedParts, account: NewAccount): Promise<void> {
  const { id } = account
  const { office, marks, log } = parts
  const before = await marks.read(`account:${id}`)
  if (before === DONE) return
  const known = await office.get(id)
  // An account that the API made, before the folder named it, is not the folder's.
  if (known && before === undefined) return marks.begin(`account:${id}`, DONE)
  await marks.begin(`account:${id}`, BEGUN)
  if (!known) {
    const saved = await office.put(id, account.profile)
    if (saved.kind === 'refused') throw new Fault('config_invalid', `account ${id}: ${saved.detail}`)
    log.info({ account: id }, 'account from the config folder')
  }
  await endow(office, account)
  await marks.write(`account:${id}`, DONE)
}

/** Each step has an id of its own, so a daemon killed between them is made good by the next start. */
async function endow(office: AccountOffice, { id, pools, credit }: NewAccount): Promise<void> {
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
