/** What a call would cost and who would pay for it now; changes nothing. */
import type { AccountChain } from '../accounts/account.ts'
import { Fault } from '../base/fault.ts'
import { firstRefusal, type RefusalCode, type Refused, refused } from '../base/outcome.ts'
import type { LevelFigures } from '../ledger/figures.ts'
import { rateOf } from '../usage/cdr.ts'
import type { Hold } from '../ledger/hold.ts'
import { chargeOf } from './charging.ts'
import { type CallParts, MAX_TRIES } from './parts.ts'
import { fundsSeconds, planSlice, reservationLevels, type SliceAsk, untouched } from './plan.ts'
import { priceChain, type PricedLevel, standingRefusals } from './pricing.ts'
import type { Quote, QuotePart, QuoteRequest } from './requests.ts'

const USUAL_SECONDS = 60

export class QuoteDesk {
  readonly #parts: CallParts

  constructor(parts: CallParts) {
    this.#parts = parts
  }

  async quote(request: QuoteRequest): Promise<Quote | Refused> {
    for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
      const chain = await this.#parts.accounts.chainOf(request.account)
      if (!chain) return refused('account_unknown', 'no such account')
      const tariffRevision = this.#parts.tariffs.revision
      const ask = this.#ask(request, chain)
      const figures = await this.#figures(chain, ask, tariffRevision)
      if (figures) return this.#quoted(request, { chain, ask, figures })
    }
    throw new Fault('store_overloaded', 'the account changes faster than it can be quoted', { retryable: true })
  }

  #ask(request: QuoteRequest, chain: AccountChain): SliceAsk {
    const nowMs = this.#parts.clock.nowMs()
    const { direction, to, seconds = USUAL_SECONDS, atMs = nowMs } = request
    return { levels: priceChain(this.#parts, chain, { direction, to, fromMs: atMs }), direction, to, seconds, nowMs }
  }

  /** What the accounts have; undefined when what we know of them is old, and has been read anew. */
  async #figures(
    chain: AccountChain,
    ask: SliceAsk,
    tariffRevision: number,
  ): Promise<readonly LevelFigures[] | undefined> {
    const answer = await this.#parts.ledger.figures({
      partition: chain.partition,
      levels: reservationLevels(ask, untouched(ask)),
      nowMs: ask.nowMs,
      tariffRevision,
    })
    if (answer.kind === 'figures') return answer.figures
    if (answer.kind === 'stale_tariffs') await this.#parts.tariffs.refresh()
    else for (const { profile } of ask.levels) this.#parts.accounts.forget(profile.id)
    return undefined
  }

  #quoted(
    request: QuoteRequest,
    context: { readonly chain: AccountChain; readonly ask: SliceAsk; readonly figures: readonly LevelFigures[] },
  ): Quote | Refused {
    const { chain, ask, figures } = context
    const plan = planSlice(ask, figures)
    const refusal = firstRefusal([
      ...standingRefusals(chain, ask.levels, request.to),
      ...(plan.kind === 'refused' ? [plan] : []),
    ])
    const payer = ask.levels[0]
    // The price is told also to who cannot pay it now; a refusal for want of funds shows in maxSeconds.
    const forced = planSlice({ ...ask, forced: true }, figures)
    if (!payer || forced.kind === 'refused') return refusal ?? refused('account_unknown', 'no such account')
    const price = priced(payer, forced.levels[0]?.hold ?? { pools: [], credit: 0n }, ask.seconds)
    if (!refusal) return { ...price, maxSeconds: fundsSeconds(ask, figures, this.#parts.policy().maxCallSeconds) }
    return LACKS_FUNDS.includes(refusal.code) ? { ...price, maxSeconds: 0, lacks: refusal.code } : refusal
  }
}

const LACKS_FUNDS: readonly RefusalCode[] = ['no_credit', 'no_minutes', 'trunk_limit', 'spend_cap', 'call_limit']

function priced(payer: PricedLevel, hold: Hold, seconds: number): Omit<Quote, 'maxSeconds'> {
  const charge = chargeOf(hold, payer.price, seconds)
  return {
    kind: 'quoted',
    price: charge.micros,
    currency: payer.profile.currency,
    billedSeconds: charge.billedSeconds,
    ...(payer.price.kind === 'priced' ? { rate: rateOf(payer.price.price) } : {}),
    funding: partsOf(hold, charge, seconds),
  }
}

function partsOf(hold: Hold, charge: ReturnType<typeof chargeOf>, seconds: number): readonly QuotePart[] {
  if (hold.trunk) return [{ source: 'trunk', id: hold.trunk, seconds, amount: 0n }]
  const pools = charge.pools.map((part): QuotePart => ({
    source: 'pool',
    id: part.pool,
    seconds: part.seconds,
    amount: 0n,
  }))
  const paid = pools.reduce((sum, part) => sum + part.seconds, 0)
  if (charge.micros > 0n) {
    return [...pools, { source: 'credit', seconds: charge.billedSeconds - paid, amount: charge.micros }]
  }
  return pools.length > 0 ? pools : [{ source: 'free', seconds, amount: 0n }]
}
