/**
 * The settlement that corrects one level of an ended call to another charge: one step of the ledger, which takes it only
 * if the call is as it was read. Every level gets a new revision of its CDR, so that all count alike; the others' is as it was.
 */
import type { AccountChain } from '../accounts/account.ts'
import { thresholdsOf } from '../accounts/watched.ts'
import { invariant } from '../base/fault.ts'
import { parseAmount } from '../base/money.ts'
import { type CallLevel, type CallRecord, withStep } from '../calls/call.ts'
import type { LevelSettlement, Settlement } from '../calls/call-ledger.ts'
import { ownKind, spendPeriod } from '../calls/plan.ts'
import { rememberedCall } from '../calls/remembered.ts'
import type { Cdr } from '../usage/cdr.ts'
import type { Rerated } from './rerated-cdr.ts'

export interface CorrectionInput {
  /** Undefined when the store remembers the call no more. */
  readonly record: CallRecord | undefined
  /** The newest of each level, the payer's first. */
  readonly cdrs: readonly Cdr[]
  readonly account: string
  readonly rerated: Extract<Rerated, { kind: 'changed' }>
  readonly tariff: { readonly name: string; readonly version: number }
  readonly chain: AccountChain
  readonly nowMs: number
  readonly rememberMs: number
}

/** Undefined for a call whose end is not settled. */
export function correctionOf(input: CorrectionInput): Settlement | undefined {
  const { record, cdrs, account, rerated, tariff, nowMs, rememberMs } = input
  const before = record ?? rememberedCall(cdrs, nowMs)
  if (before?.state !== 'ended' || before.levels.length !== cdrs.length) return undefined
  const why = `re-rated by ${tariff.name} version ${tariff.version}`
  const corrections = before.corrections + 1
  const levels = before.levels.map((level) => (level.account === account ? recharged(level, input) : level))
  const after: CallRecord = {
    ...before,
    revision: (record?.revision ?? 0) + 1,
    levels,
    corrections,
    history: withStep(before, nowMs, why),
  }
  return {
    record: after,
    expectedRevision: record?.revision ?? 0,
    nowMs,
    why,
    levels: before.levels.map((level, index) => {
      const isIt = level.account === account
      const cdr = isIt ? rerated.cdr : cdrs[index]
      const debit = isIt ? rerated.after - (level.charge?.micros ?? 0n) : 0n
      return { ...untouched(level, before, input), debit, cdr: JSON.stringify({ ...cdr, revision: corrections }) }
    }),
    rememberMs,
  }
}

/** A late stop is priced by the same version, from here. */
function recharged(level: CallLevel, { rerated, tariff, cdrs }: CorrectionInput): CallLevel {
  const { pools = [], overrunSeconds = 0, micros = 0n } = level.charge ?? {}
  const told = cdrs.find(({ account }) => account === level.account)
  invariant(micros === parseAmount(told?.charge ?? ''), 'a call and its CDR have one charge')
  const charge = { micros: rerated.after, billedSeconds: rerated.billedSeconds, pools, overrunSeconds }
  return { ...level, tariff, charge }
}

function untouched(level: CallLevel, { direction }: CallRecord, { chain, nowMs }: CorrectionInput): LevelSettlement {
  const profile = chain.levels.find(({ id }) => id === level.account)
  invariant(profile, 'every level of a call is in its chain')
  return {
    account: level.account,
    currency: level.currency,
    ownKind: ownKind(direction),
    leaves: false,
    reserved: 0n,
    debit: 0n,
    pools: [],
    spend: spendPeriod(profile, nowMs),
    thresholds: thresholdsOf(profile),
    creditLimit: profile.creditLimit,
  }
}
