/** What is asked of a caller before a decision is: not too many calls, and a password where the rules want one. */
import type { Caller } from './caller.ts'
import { type Claim, claimOf, Digest } from './digest.ts'
import type { Headers, SipRequest } from './drachtio.ts'
import { Pace } from './pace.ts'
import type { Routed, SipParts } from './parts.ts'
import type { OwnReply } from './replies.ts'

export interface TurnedAway {
  readonly own: OwnReply
  readonly more?: Headers
}

export type Admitted = { readonly routed: Routed } | TurnedAway

export class Admission {
  readonly #parts: SipParts
  readonly #isFull: () => boolean
  readonly #digest: Digest
  readonly #ofSources: Pace
  readonly #ofAccounts: Pace

  /** `isFull` while this worker has enough to do. */
  constructor(parts: SipParts, isFull: () => boolean) {
    this.#parts = parts
    this.#isFull = isFull
    this.#digest = new Digest(parts.digest, () => parts.clock.nowMs())
    this.#ofSources = new Pace(parts.invitesPerSecond.source)
    this.#ofAccounts = new Pace(parts.invitesPerSecond.account)
  }

  /** Emergency calls are turned away by nothing. */
  admit(request: SipRequest, { source, from, to }: Caller): Admitted {
    const claim = claimOf(request)
    const routed = this.#parts.routeOf({ source, from, to, user: claim?.['username'] })
    const nowMs = this.#parts.clock.nowMs()
    if (routed.isEmergency) return { routed }
    if (this.#isFull()) return { own: 'overloaded' }
    if (!this.#ofSources.takes(source, nowMs)) return { own: 'too_many_calls' }
    const unproven = this.#unproven(request, claim, routed)
    if (unproven) return unproven
    const { account } = routed
    if (account !== undefined && !this.#ofAccounts.takes(account, nowMs)) return { own: 'too_many_calls' }
    return { routed }
  }

  #unproven(request: SipRequest, claim: Claim | undefined, { digest }: Routed): TurnedAway | undefined {
    if (!digest) return undefined
    const proof = claim && this.#digest.proofOf(request, claim, digest)
    if (proof === 'proven') return undefined
    if (proof === 'wrong') return { own: 'credentials_wrong' }
    return { own: 'credentials_missing', more: this.#digest.challenge(request, { stale: proof === 'stale' }) }
  }
}
