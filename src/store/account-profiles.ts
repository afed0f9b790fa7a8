/** Makes accounts and changes their profiles: each write is over the version that was read, else it is done again. */
import { type AccountProfile, MAX_CHAIN_LEVELS } from '../accounts/account.ts'
import type { OfficeRefused, ProfileInput, ProfilePatch, SavedProfile } from '../accounts/office.ts'
import {
  isAccountId,
  newProfile,
  patchedProfile,
  type ProfileDraft,
  refuseChange,
  refuseCurrency,
  refuseRecharge,
  replacedProfile,
} from '../accounts/profile.ts'
import { Fault } from '../base/fault.ts'
import { untilDone } from './attempts.ts'
import { accountUnknown, type OfficeParts, refuse } from './office-parts.ts'
import { encodeProfile } from './profile-codec.ts'
import type { StoredProfile } from './profile-store.ts'

type Saved = SavedProfile | OfficeRefused

/** A profile as it is after the cycles that are over have turned. */
export type ReadTurned = (account: string) => Promise<StoredProfile | undefined>

type MakeProfile = (parent: AccountProfile | undefined) => AccountProfile

export class AccountProfiles {
  readonly #parts: OfficeParts
  readonly #read: ReadTurned

  constructor(parts: OfficeParts, read: ReadTurned) {
    this.#parts = parts
    this.#read = read
  }

  async put(id: string, input: ProfileInput): Promise<Saved> {
    if (!isAccountId(id)) throw new Fault('unexpected', `${JSON.stringify(id.slice(0, 80))} is no id of an account`)
    return untilDone(async () => {
      const before = (await this.#read(id))?.profile
      if (!before) return this.#create(id, input)
      return this.#change(before, input, (parent) => replacedProfile(before, this.#draft(id, input, parent)))
    })
  }

  async patch(id: string, input: ProfilePatch): Promise<Saved> {
    return untilDone(async () => {
      const before = (await this.#read(id))?.profile
      if (!before) return accountUnknown(id)
      return this.#change(before, input, () => patchedProfile(before, input, this.#parts.clock.nowMs()))
    })
  }

  #draft(id: string, input: ProfileInput, parent: AccountProfile | undefined): ProfileDraft {
    return { id, input, defaults: this.#parts.defaults(), nowMs: this.#parts.clock.nowMs(), ...(parent && { parent }) }
  }

  async #create(id: string, input: ProfileInput): Promise<Saved | undefined> {
    const { profiles } = this.#parts
    const parent = input.parent === undefined ? undefined : (await profiles.load(input.parent))?.profile
    if (input.parent !== undefined && !parent) {
      return refuse('parent_unknown', `there is no account ${input.parent.slice(0, 64)}`, '/parent')
    }
    const draft = this.#draft(id, input, parent)
    const profile = newProfile(draft)
    const misplaced = parent && (await this.#refusePlace(profile, parent))
    const refusal = misplaced ?? refuseRecharge(input, draft.defaults)
    if (refusal) return refusal
    const root = await profiles.claim(id, profile.root)
    if (root !== profile.root) return this.#elsewhere(id, root)
    const answer = await profiles.write({ profile, before: undefined, parent, nowMs: draft.nowMs })
    return answer.kind === 'saved' ? this.#saved(profile, true) : undefined
  }

  /** Another tree has the id: its account is there now, or whoever claimed it did not come so far. */
  async #elsewhere(id: string, root: string): Promise<OfficeRefused | undefined> {
    if (await this.#parts.profiles.load(id)) return undefined
    return refuse(
      'root_is_fixed',
      `account ${id} was begun in the tree of ${root}, and can only be made there`,
      '/parent',
    )
  }

  async #refusePlace(profile: AccountProfile, parent: AccountProfile): Promise<OfficeRefused | undefined> {
    const mismatch = refuseCurrency(profile.id, profile.currency, parent)
    if (mismatch) return mismatch
    if (parent.status === 'closed') return refuse('account_closed', `account ${parent.id} is closed`, '/parent')
    let depth = 2
    for (let above = parent.parent; above !== undefined; depth += 1) {
      above = (await this.#parts.profiles.find(above))?.profile.parent
    }
    if (depth <= MAX_CHAIN_LEVELS) return undefined
    return refuse(
      'chain_too_deep',
      `${profile.id} would be level ${depth}; there can be ${MAX_CHAIN_LEVELS}`,
      '/parent',
    )
  }

  async #change(before: AccountProfile, input: ProfilePatch, make: MakeProfile): Promise<Saved | undefined> {
    const { profiles, clock } = this.#parts
    const parent = before.parent === undefined ? undefined : (await profiles.find(before.parent))?.profile
    const refusal = refuseChange(before, input, parent) ?? refuseRecharge(input, this.#parts.defaults())
    if (refusal) return refusal
    const profile = make(parent)
    const unchanged = encodeProfile({ ...profile, version: before.version }) === encodeProfile(before)
    if (unchanged) return { kind: 'saved', created: false, profile: before }
    const answer = await profiles.write({ profile, before, nowMs: clock.nowMs() })
    if (answer.kind === 'saved') return this.#saved(profile, false)
    if (answer.kind !== 'currency_is_fixed') return undefined
    const detail = `account ${before.id} has entries, calls or children in ${before.currency}`
    return refuse('currency_is_fixed', detail, '/currency')
  }

  #saved(profile: AccountProfile, created: boolean): SavedProfile {
    this.#parts.tell({ kind: 'account', account: profile.id })
    return { kind: 'saved', created, profile }
  }
}
