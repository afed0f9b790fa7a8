/** Who may do what: a key has scopes, and may be bound to one account, of which it sees what is below as well (rule O9). */
import type { AccountChain } from './account.ts'

export const scopes = [
  'calls:decide',
  'accounts:read',
  'accounts:write',
  'credit:write',
  'tariffs:read',
  'tariffs:write',
  'usage:read',
  'webhooks:read',
  'webhooks:write',
  'events:read',
  'ops:read',
  'ops:write',
  'audit:read',
  'keys:write',
] as const

export type Scope = (typeof scopes)[number]

/** The scope that is every scope. */
export const EVERY_SCOPE = '*'

export interface KeyIdentity {
  readonly id: string
  readonly scopes: readonly string[]
  /** The key sees this account and those below it, and nothing else. */
  readonly account?: string
}

export interface KeyRecord extends KeyIdentity {
  readonly name?: string
  readonly createdAtMs: number
  readonly expiresAtMs?: number
  readonly revokedAtMs?: number
}

export type KeyInput = Omit<KeyRecord, 'id' | 'createdAtMs' | 'revokedAtMs'>

export type Verified = KeyIdentity | undefined

export interface ApiKeys {
  /** Who a key is; undefined when it is none of ours, revoked or expired. */
  verify(text: string): Verified | Promise<Verified>
  /** The text of the key is in no later answer: only its hash is kept. */
  create(input: KeyInput): Promise<{ readonly text: string; readonly record: KeyRecord }>
  /** False when there is no such key. */
  revoke(id: string): Promise<boolean>
  list(): Promise<readonly KeyRecord[]>
}

export function hasScope(key: KeyIdentity, scope: Scope): boolean {
  return key.scopes.includes(EVERY_SCOPE) || key.scopes.includes(scope)
}

/** Whether a key may see the account whose chain is given. */
export function mayReach(key: KeyIdentity, chain: AccountChain): boolean {
  return key.account === undefined || chain.levels.some(({ id }) => id === key.account)
}
