/** Has bundles of minutes not bought again. */
import type { AccountProfile, StandingBundles } from '../accounts/account.ts'
import { withoutStandingBundles } from '../accounts/bundles.ts'
import type { BundlesStop, OfficeRefused, SavedProfile } from '../accounts/office.ts'
import type { ReadTurned } from './account-profiles.ts'
import { untilDone } from './attempts.ts'
import { accountUnknown, type OfficeParts, refuse } from './office-parts.ts'

export class AccountBundles {
  readonly #parts: OfficeParts
  readonly #read: ReadTurned

  constructor(parts: OfficeParts, read: ReadTurned) {
    this.#parts = parts
    this.#read = read
  }

  async stop(account: string, { id, reason }: BundlesStop): Promise<SavedProfile | OfficeRefused> {
    return untilDone(async () => {
      const { profiles, clock, tell } = this.#parts
      const before = (await this.#read(account))?.profile
      if (!before) return accountUnknown(account)
      const stopped = stoppedBy(before, id)
      if (stopped.length === 0) return refuse('bundles_unknown', `account ${account} has no such bundles that recur`)
      const ids = stopped.map((each) => each.id)
      const nowMs = clock.nowMs()
      const profile = withoutStandingBundles(before, ids, nowMs)
      const event = { type: 'bundle.stopped', fields: ['orders', ids.join(' '), 'reason', reason] }
      const answer = await profiles.write({ profile, before, event, nowMs })
      if (answer.kind !== 'saved') return undefined
      tell({ kind: 'account', account })
      return { kind: 'saved', created: false, profile }
    })
  }
}

function stoppedBy({ standingBundles = [] }: AccountProfile, id: string | undefined): readonly StandingBundles[] {
  return standingBundles.filter((each) => id === undefined || each.id === id)
}
