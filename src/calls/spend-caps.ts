/** A cap that kept a call short is told once in its day or month. */
import type { AccountProfile } from '../accounts/account.ts'
import type { Refused } from '../base/outcome.ts'
import { dayOf } from '../base/time.ts'
import type { LevelFigures } from '../ledger/figures.ts'
import { planFunding } from '../ledger/funding.ts'
import type { CallLedger, CapReached } from './call-ledger.ts'
import { Recent } from './memory.ts'
import { fundingAsks, type SliceAsk, type SlicePlan } from './plan.ts'

const MAX_REMEMBERED = 10_000

export interface CappedSlice {
  readonly partition: number
  readonly ask: SliceAsk
  readonly plan: SlicePlan | Refused
  readonly figures: readonly LevelFigures[]
}

export class SpendCaps {
  readonly #ledger: Pick<CallLedger, 'tellCap'>
  /** Account and period to the day or month that was told. */
  readonly #told = new Recent<string, string>(MAX_REMEMBERED)

  constructor(ledger: Pick<CallLedger, 'tellCap'>) {
    this.#ledger = ledger
  }

  /** Asks the store only for what this daemon has not told yet. */
  async tell(slice: CappedSlice): Promise<void> {
    if (!isCapped(slice.plan)) return
    for (const cap of capsReached(slice)) {
      const name = `${cap.period} ${cap.account}`
      if (this.#told.get(name) === cap.of) continue
      await this.#ledger.tellCap(cap)
      this.#told.set(name, cap.of)
    }
  }
}

function isCapped(plan: { readonly code?: string; readonly finalReason?: string }): boolean {
  return plan.code === 'spend_cap' || plan.finalReason === 'spend_cap'
}

function capsReached({ partition, ask, figures }: CappedSlice): readonly CapReached[] {
  return fundingAsks(ask, ask.seconds).flatMap((level, index) => {
    const known = figures[index]
    const stands = known && isCapped(planFunding(level, known))
    return stands ? [{ partition, nowMs: ask.nowMs, ...tighterCap(level.profile, known, ask.nowMs) }] : []
  })
}

/** The cap of the day or the month, whichever leaves less. */
function tighterCap(profile: AccountProfile, figures: LevelFigures, nowMs: number) {
  const { day: dayCap, month: monthCap } = profile.spendCaps
  const { id: account, currency, timezone } = profile
  const { spentToday, spentThisMonth } = figures
  const today = dayOf(nowMs, timezone)
  const day = { account, currency, period: 'day', of: today, cap: dayCap ?? 0n, spent: spentToday } as const
  const month = { ...day, period: 'month', of: today.slice(0, 7), cap: monthCap ?? 0n, spent: spentThisMonth } as const
  if (monthCap === undefined) return day
  return dayCap !== undefined && dayCap - spentToday <= monthCap - spentThisMonth ? day : month
}
