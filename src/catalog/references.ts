/** What files say of each other: parents, tariffs and payers must be there, and a tree has one currency. */
import { MAX_CHAIN_LEVELS } from '../accounts/account.ts'
import { parseAmount } from '../base/money.ts'
import type { AccountConfig } from './account-schema.ts'
import { problemAt } from './check.ts'
import type { ConfigPath, ConfigProblem } from './problems.ts'
import type { Settings } from './settings-schema.ts'
import { didYouMean } from './suggest.ts'
import type { TariffFile } from './tariff-file.ts'
import type { Places } from './yaml-file.ts'

/** An account as checked by itself; currency and zone may still be the parent's. */
export type AccountDraft = Omit<AccountConfig, 'currency' | 'timezone'> & {
  readonly currency?: string | undefined
  readonly timezone?: string | undefined
}

export interface AccountsFound {
  readonly accounts: readonly AccountConfig[]
  readonly problems: readonly ConfigProblem[]
}

interface Level {
  readonly account: AccountConfig
  readonly depth: number
}

/** Accounts with the currency and zone of their parents or the defaults, and what is wrong between them. */
export function joinAccounts(
  drafts: readonly AccountDraft[],
  places: Places,
  defaults: Settings['defaults'],
): AccountsFound {
  const known = new Map<string, Level>()
  const all = drafts.map(({ id }) => id)
  const problems: ConfigProblem[] = []
  for (const [at, draft] of drafts.entries()) {
    const parent = draft.parent === undefined ? undefined : known.get(draft.parent)
    const level = levelOf(draft, parent, defaults)
    for (const { field, message } of wrongBetween(draft, level, { parent, all, twice: known.has(draft.id) })) {
      const path: ConfigPath = ['accounts', at, field]
      problems.push(problemAt(places.ofValue(path), path, message))
    }
    if (!known.has(draft.id)) known.set(draft.id, level)
  }
  return { accounts: [...known.values()].map(({ account }) => account), problems }
}

function levelOf(draft: AccountDraft, parent: Level | undefined, defaults: Settings['defaults']): Level {
  const { currency, timezone } = parent?.account ?? defaults
  const account = { ...draft, currency: draft.currency ?? currency, timezone: draft.timezone ?? timezone }
  return { account, depth: (parent?.depth ?? 0) + 1 }
}

interface Around {
  readonly parent: Level | undefined
  readonly all: readonly string[]
  readonly twice: boolean
}

interface Wrong {
  readonly field: keyof AccountDraft
  readonly message: string
}

function wrongBetween(
  draft: AccountDraft,
  { account, depth }: Level,
  { parent, all, twice }: Around,
): readonly Wrong[] {
  const wrong: Wrong[] = []
  if (twice) wrong.push({ field: 'id', message: `there is an account "${draft.id}" above` })
  if (draft.parent !== undefined && !parent) wrong.push({ field: 'parent', message: parentMissing(draft, all) })
  if (depth > MAX_CHAIN_LEVELS) {
    wrong.push({ field: 'parent', message: `makes it level ${depth} of its tree; there can be ${MAX_CHAIN_LEVELS}` })
  }
  if (parent && parent.account.currency !== account.currency) {
    const message = `must be ${parent.account.currency}, that of its parent "${parent.account.id}"`
    wrong.push({ field: 'currency', message })
  }
  return wrong
}

function parentMissing(draft: AccountDraft, all: readonly string[]): string {
  const { id, parent = '' } = draft
  if (parent === id) return `account "${id}" cannot be its own parent`
  if (all.includes(parent)) return `account "${parent}" must stand above its child "${id}"`
  return `there is no account "${parent}"${didYouMean(parent, all)}`
}

/** A name that something is called by; undefined where nothing is called. */
export interface Named {
  readonly name: string | undefined
  readonly path: ConfigPath
  readonly places: Places
}

/** Tariffs that are named and not there. */
export function missingTariffs(named: readonly Named[], tariffs: readonly string[]): readonly ConfigProblem[] {
  return missing(named, tariffs).map(({ name, path, places }) => {
    return problemAt(places.ofValue(path), path, `there is no tariff "${name}"${didYouMean(name, tariffs)}`)
  })
}

/** Trunk groups that are named and not there: their calls would have nowhere to go. */
export function missingGroups(named: readonly Named[], groups: readonly string[]): readonly ConfigProblem[] {
  return missing(named, groups).map(({ name, path, places }) => {
    return problemAt(
      places.ofValue(path),
      path,
      `there is no trunk group "${name}" in sip.groups${didYouMean(name, groups)}`,
    )
  })
}

/** Accounts may live in the store alone, so a payer that is not in accounts.yaml is only worth a warning. */
export function strangePayers(named: readonly Named[], accounts: readonly string[]): readonly ConfigProblem[] {
  return missing(named, accounts).map(({ name, path, places }) => {
    const message = `account "${name}" is not in accounts.yaml${didYouMean(name, accounts)}`
    return problemAt(places.ofValue(path), path, message)
  })
}

function missing(named: readonly Named[], known: readonly string[]): readonly (Named & { readonly name: string })[] {
  const there = new Set(known)
  return named.flatMap((one) => (one.name === undefined || there.has(one.name) ? [] : [{ ...one, name: one.name }]))
}

/** Automatic purchases that the office would refuse. */
export function smallRecharges(
  accounts: readonly AccountDraft[],
  places: Places,
  { minimumPurchase }: Settings['defaults'],
): readonly ConfigProblem[] {
  const least = parseAmount(minimumPurchase) ?? 0n
  return accounts.flatMap(({ recharge }, at) => {
    const amount = recharge?.amount === undefined ? undefined : parseAmount(recharge.amount)
    if (amount === undefined || amount >= least) return []
    const path: ConfigPath = ['accounts', at, 'recharge', 'amount']
    const message = `must be at least ${minimumPurchase}, the minimumPurchase of the settings`
    return [problemAt(places.ofValue(path), path, message)]
  })
}

interface Tariffs {
  readonly tariffs: ReadonlyMap<string, TariffFile>
  /** Of accounts that name none. */
  readonly standard: string | undefined
}

/** Accounts whose tariff has prices in another currency than theirs. */
export function foreignTariffs(
  accounts: readonly AccountConfig[],
  places: Places,
  { tariffs, standard }: Tariffs,
): readonly ConfigProblem[] {
  return accounts.flatMap(({ tariff = standard, currency }, at) => {
    const priced = tariff === undefined ? undefined : tariffs.get(tariff)?.head.currency
    if (priced === undefined || priced === currency) return []
    const path: ConfigPath = ['accounts', at, 'tariff']
    return [
      problemAt(places.ofValue(path), path, `tariff "${tariff ?? ''}" is in ${priced}, the account in ${currency}`),
    ]
  })
}
