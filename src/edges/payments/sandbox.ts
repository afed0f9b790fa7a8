/**
 * A provider that moves no money, for trials and tests: the card's token says what happens. What it did is kept, so that it
 * is known after a restart, by every daemon, and to `lookup` also where an answer was lost.
 *
 *   tok_success            charged
 *   tok_decline            declined, as are tok_insufficient_funds and tok_expired (which cannot be put on file either)
 *   tok_authentication     the holder must agree; a signed webhook { "type": "charge.authenticated", "payment" } is the consent
 *   tok_timeout            charged, and the answer is lost
 *   tok_lost               not charged, and the answer is lost
 *   tok_webhook_first      charged; the webhook comes before the answer
 *   tok_webhook_twice      charged; the webhook comes twice, and an older one after it
 *   tok_refund_decline     charged; cannot be paid back
 *   tok_refund_timeout     charged; paid back, and the answer is lost
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { formatAmount, type Micros, parseAmount } from '../../base/money.ts'
import type { Clock } from '../../base/time.ts'
import { coinOf, currencyDecimals } from '../../payments/minor-units.ts'
import { MOST_REFUNDS } from '../../payments/refunding.ts'
import type {
  ChargeAsk,
  ChargeOutcome,
  Lookup,
  LookupAsk,
  PaymentProvider,
  ProviderCharge,
  ProviderRefund,
  RefundAsk,
  RefundOutcome,
  SetupAsk,
  SetupOutcome,
  WebhookNews,
  WebhookRequest,
} from '../../payments/provider.ts'

/** What is written stays, and the first to write it wins. */
export interface SandboxMemory {
  /** Keeps a text under a name; answers with the text that is kept there now. */
  add(name: string, text: string): Promise<string>
  get(name: string): Promise<string | undefined>
  /** All names that begin so. */
  all(beginning: string): AsyncIterable<readonly [name: string, text: string]>
}

export interface SandboxParts {
  readonly memory: SandboxMemory
  readonly clock: Clock
  /** Signs its webhooks. */
  readonly secret: string
  /** Takes its webhooks, as our own webhook would. */
  readonly deliver: (request: WebhookRequest) => Promise<unknown>
}

export const SIGNATURE_HEADER = 'sandbox-signature'

const behaviours = [
  'tok_success',
  'tok_decline',
  'tok_insufficient_funds',
  'tok_expired',
  'tok_authentication',
  'tok_timeout',
  'tok_lost',
  'tok_webhook_first',
  'tok_webhook_twice',
  'tok_refund_decline',
  'tok_refund_timeout',
] as const

type Behaviour = (typeof behaviours)[number]

const DECLINES: Partial<Record<Behaviour, string>> = {
  tok_decline: 'card_declined',
  tok_insufficient_funds: 'insufficient_funds',
  tok_expired: 'expired_card',
}

const storedCharge = z.object({
  payment: z.string(),
  amount: z.string(),
  currency: z.string(),
  token: z.enum(behaviours),
  atMs: z.int(),
})
const storedRefund = z.object({ refund: z.string(), amount: z.string(), declined: z.boolean() })
const webhook = z.object({ type: z.string(), payment: z.string().max(64) })

type StoredCharge = z.infer<typeof storedCharge>

const LOST = { kind: 'unknown', reason: 'the provider did not answer in time' } as const

export class SandboxProvider implements PaymentProvider {
  readonly name = 'sandbox'
  readonly #parts: SandboxParts

  constructor(parts: SandboxParts) {
    this.#parts = parts
  }

  coin(currency: string): Micros {
    return coinOf(currencyDecimals(currency))
  }

  async setup({ account, token, key }: SetupAsk): Promise<SetupOutcome> {
    const customer = `cus_${account}`
    if (token === undefined) {
      return { kind: 'pending', customer, setup: `seti_${key}`, clientSecret: `seti_${key}_secret` }
    }
    const behaviour = token.startsWith('seti_') ? 'tok_success' : behaviourOf(token)
    if (!behaviour) return { kind: 'declined', reason: 'unknown_token' }
    if (behaviour === 'tok_expired') return { kind: 'declined', reason: 'expired_card' }
    const card = { token: behaviour, brand: 'visa', last4: lastFour(behaviour), expiryMonth: 12, expiryYear: 2034 }
    return { kind: 'ready', customer, card }
  }

  async charge({ payment, amount, currency, token }: ChargeAsk): Promise<ChargeOutcome> {
    const behaviour = behaviourOf(token) ?? 'tok_decline'
    if (behaviour === 'tok_lost') return LOST
    const { memory, clock } = this.#parts
    const made: StoredCharge = {
      payment,
      amount: formatAmount(amount),
      currency,
      token: behaviour,
      atMs: clock.nowMs(),
    }
    const charge = storedCharge.parse(JSON.parse(await memory.add(chargeName(payment), JSON.stringify(made))))
    if (behaviour === 'tok_webhook_first') await this.#tell('charge.succeeded', payment)
    const outcome = await this.#outcomeOf(charge)
    if (behaviour === 'tok_timeout') return LOST
    if (behaviour === 'tok_webhook_twice') {
      for (const type of ['charge.succeeded', 'charge.succeeded', 'charge.pending']) await this.#tell(type, payment)
    }
    return outcome
  }

  async #outcomeOf({ payment, token }: StoredCharge): Promise<ChargeOutcome> {
    const charge = chargeId(payment)
    const reason = DECLINES[token]
    if (reason !== undefined) return { kind: 'declined', reason, charge }
    if (token === 'tok_authentication' && !(await this.#parts.memory.get(agreedName(payment)))) {
      return { kind: 'needs_authentication', charge, clientSecret: `${charge}_secret` }
    }
    return { kind: 'succeeded', charge }
  }

  async refund({ refund, payment, amount }: RefundAsk): Promise<RefundOutcome> {
    const found = await this.#read(payment)
    if (!found) return { kind: 'declined', reason: 'unknown_charge' }
    const declined = found.token === 'tok_refund_decline'
    const made = { refund, amount: formatAmount(amount), declined }
    await this.#parts.memory.add(refundName(refund), JSON.stringify(made))
    if (declined) return { kind: 'declined', reason: 'refund_declined' }
    return found.token === 'tok_refund_timeout' ? LOST : { kind: 'succeeded' }
  }

  async lookup({ payment }: LookupAsk): Promise<Lookup> {
    const found = await this.#read(payment)
    return found ? { kind: 'found', charge: await this.#shown(found) } : { kind: 'absent' }
  }

  async *list(sinceMs: number): AsyncGenerator<ProviderCharge> {
    for await (const [, text] of this.#parts.memory.all('charge:')) {
      const charge = storedCharge.parse(JSON.parse(text))
      if (charge.atMs >= sinceMs) yield await this.#shown(charge)
    }
  }

  async #read(payment: string): Promise<StoredCharge | undefined> {
    const text = await this.#parts.memory.get(chargeName(payment))
    return text === undefined ? undefined : storedCharge.parse(JSON.parse(text))
  }

  async #shown(found: StoredCharge): Promise<ProviderCharge> {
    const { payment, amount, currency, atMs } = found
    const outcome = await this.#outcomeOf(found)
    const refunds = await this.#refundsOf(payment)
    return { charge: chargeId(payment), payment, amount: parseAmount(amount) ?? 0n, currency, atMs, outcome, refunds }
  }

  /** Not all that were begun have reached it: there may be gaps. */
  async #refundsOf(payment: string): Promise<readonly ProviderRefund[]> {
    const names = Array.from({ length: MOST_REFUNDS }, (_, index) => refundName(`${payment}.${index + 1}`))
    const texts = await Promise.all(names.map((name) => this.#parts.memory.get(name)))
    return texts.flatMap((text) => {
      if (text === undefined) return []
      const { refund, amount, declined } = storedRefund.parse(JSON.parse(text))
      const outcome = declined
        ? ({ kind: 'declined', reason: 'refund_declined' } as const)
        : { kind: 'succeeded' as const }
      return [{ refund, amount: parseAmount(amount) ?? 0n, outcome }]
    })
  }

  async verifyWebhook({ body, headers }: WebhookRequest): Promise<WebhookNews | undefined> {
    const given = Buffer.from(headers[SIGNATURE_HEADER] ?? '')
    const wanted = Buffer.from(this.#sign(body))
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined
    const read = webhook.safeParse(jsonOf(body))
    if (!read.success) return {}
    const { type, payment } = read.data
    if (type === 'charge.authenticated') await this.#parts.memory.add(agreedName(payment), type)
    return { payment, charge: chargeId(payment) }
  }

  #sign(body: Uint8Array): string {
    return `sha256=${createHmac('sha256', this.#parts.secret).update(body).digest('hex')}`
  }

  async #tell(type: string, payment: string): Promise<void> {
    const body = Buffer.from(JSON.stringify({ type, payment }))
    // One that is not taken is lost, as any webhook may be: it is no part of the charge.
    await this.#parts.deliver({ body, headers: { [SIGNATURE_HEADER]: this.#sign(body) } }).catch(() => undefined)
  }
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString()) as unknown
  } catch {
    return undefined
  }
}

function behaviourOf(token: string): Behaviour | undefined {
  return behaviours.find((behaviour) => behaviour === token)
}

/** Another one for each behaviour, so that people can tell their cards. */
function lastFour(behaviour: Behaviour): string {
  return String(4242 + behaviours.indexOf(behaviour))
}

function chargeId(payment: string): string {
  return `ch_${payment}`
}

function chargeName(payment: string): string {
  return `charge:${payment}`
}

function agreedName(payment: string): string {
  return `agreed:${payment}`
}

function refundName(refund: string): string {
  return `refund:${refund}`
}
