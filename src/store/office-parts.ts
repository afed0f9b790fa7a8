/** What the parts of the account office share, and how they refuse. */
import type { OfficeRefusalCode, OfficeRefused } from '../accounts/office.ts'
import type { AccountDefaults } from '../accounts/profile.ts'
import type { Clock } from '../base/time.ts'
import type { Keys } from './keys.ts'
import type { News } from './news.ts'
import type { ProfileStore } from './profile-store.ts'
import type { RedisStore } from './redis.ts'

export interface OfficeParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly partitions: number
  readonly clock: Clock
  /** Of the settings in force. */
  readonly defaults: () => AccountDefaults
  /** New ids, for pools that are given none. */
  readonly ids: () => string
  readonly profiles: ProfileStore
  readonly tell: (news: News) => void
}

export function refuse(code: OfficeRefusalCode, detail: string, field?: string): OfficeRefused {
  return { kind: 'refused', code, detail, ...(field === undefined ? {} : { field }) }
}

/** An account's operations have their keys in common: a credit, a debit and a pool are told apart by their content. */
export function operationConflict(operation: string): OfficeRefused {
  const detail = `operation ${operation} came before with other content; credits, debits and pools of an account each take a key of their own`
  return refuse('request_conflict', detail)
}

export function accountUnknown(account: string): OfficeRefused {
  return refuse('account_unknown', `there is no account ${account.slice(0, 64)}`)
}
