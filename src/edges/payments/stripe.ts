/**
 * Stripe: off-session PaymentIntents for charges, SetupIntents for cards. Its library is loaded only when it is used, and its
 * types stay in this folder.
 */
import { createHash } from 'node:crypto'
import type { Stripe } from 'stripe'
import { Fault } from '../../base/fault.ts'
import type { Micros } from '../../base/money.ts'
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
import { fromStripeUnits, stripeCoin, stripeUnits } from './stripe-amounts.ts'
import { cardIn, chargeFailure, idOf, isRefused, outcomeOf, reasonOf, refundOutcome } from './stripe-outcomes.ts'

export interface StripeSettings {
  readonly secretKey: string
  readonly webhookSecret: string
  readonly apiUrl?: string | undefined
}

/** Our ids on what we make at Stripe. */
const PAYMENT = 'tollgate_payment'
const REFUND = 'tollgate_refund'
const ACCOUNT = 'tollgate_account'

const SIGNATURE_HEADER = 'stripe-signature'
const ANSWER_MS = 20_000
const REPEATS = 2
const PAGE = 100

/** A list is not followed for ever. */
const MAX_LISTED = 100_000
const MAX_SEARCHED = 1_000

/** Clocks differ. */
const MARGIN_SECONDS = 600

export async function openStripe(settings: StripeSettings): Promise<PaymentProvider> {
  const library = await import('stripe').catch((error: unknown) => {
    throw new Fault('config_invalid', 'the package stripe is not installed', { cause: error })
  })
  const url = settings.apiUrl === undefined ? undefined : new URL(settings.apiUrl)
  const place = url && {
    host: url.hostname,
    port: url.port || (url.protocol === 'http:' ? '80' : '443'),
    protocol: url.protocol === 'http:' ? ('http' as const) : ('https' as const),
  }
  const client = new library.default(settings.secretKey, {
    maxNetworkRetries: REPEATS,
    timeout: ANSWER_MS,
    telemetry: false,
    ...place,
  })
  return new StripeProvider(client, settings.webhookSecret)
}

class StripeProvider implements PaymentProvider {
  readonly name = 'stripe'
  readonly #client: Stripe
  readonly #webhookSecret: string

  constructor(client: Stripe, webhookSecret: string) {
    this.#client = client
    this.#webhookSecret = webhookSecret
  }

  coin(currency: string): Micros {
    return stripeCoin(currency)
  }

  async setup({ account, customer: known, token, key }: SetupAsk): Promise<SetupOutcome> {
    const idempotencyKey = createHash('sha256').update(`${account} ${key}`).digest('hex')
    try {
      const customer = known ?? (await this.#customer(account, idempotencyKey))
      const intent = await this.#setupIntent({ customer, token, idempotencyKey })
      const card = cardIn(intent.payment_method)
      if (idOf(intent.customer) !== customer) return { kind: 'declined', reason: 'another_customer' }
      if (intent.status === 'succeeded' && card) return { kind: 'ready', customer, card }
      if (token?.startsWith('seti_')) return { kind: 'declined', reason: intent.status }
      return { kind: 'pending', customer, setup: intent.id, clientSecret: intent.client_secret ?? '' }
    } catch (error) {
      return { kind: isRefused(error) ? 'declined' : 'unknown', reason: reasonOf(error) }
    }
  }

  async #customer(account: string, key: string): Promise<string> {
    const made = await this.#client.customers.create(
      { name: account, metadata: { [ACCOUNT]: account } },
      { idempotencyKey: `${key}.customer` },
    )
    return made.id
  }

  async #setupIntent(ask: {
    readonly customer: string
    readonly token: string | undefined
    readonly idempotencyKey: string
  }): Promise<Stripe.SetupIntent> {
    const { customer, token, idempotencyKey } = ask
    const { setupIntents } = this.#client
    const expand = ['payment_method']
    if (token?.startsWith('seti_')) return setupIntents.retrieve(token, { expand })
    const common = { customer, usage: 'off_session', expand } as const
    if (token === undefined) return setupIntents.create(common, { idempotencyKey })
    const methods = { enabled: true, allow_redirects: 'never' } as const
    const confirmed = { payment_method: token, confirm: true, automatic_payment_methods: methods }
    return setupIntents.create({ ...common, ...confirmed }, { idempotencyKey })
  }

  async charge({
    payment,
    account,
    amount,
    currency,
    customer,
    token,
    description,
  }: ChargeAsk): Promise<ChargeOutcome> {
    const units = stripeUnits(amount, currency)
    if (units === undefined) return { kind: 'declined', reason: 'amount_not_payable' }
    try {
      const intent = await this.#client.paymentIntents.create(
        {
          amount: units,
          currency: currency.toLowerCase(),
          customer,
          payment_method: token,
          off_session: true,
          confirm: true,
          description,
          metadata: { [PAYMENT]: payment, [ACCOUNT]: account },
        },
        { idempotencyKey: payment },
      )
      return outcomeOf(intent)
    } catch (error) {
      return chargeFailure(error)
    }
  }

  async refund({ refund, payment, charge, amount, currency }: RefundAsk): Promise<RefundOutcome> {
    const units = stripeUnits(amount, currency)
    if (units === undefined) return { kind: 'declined', reason: 'amount_not_payable' }
    try {
      const metadata = { [REFUND]: refund, [PAYMENT]: payment }
      const made = await this.#client.refunds.create(
        { payment_intent: charge, amount: units, metadata },
        { idempotencyKey: refund },
      )
      return refundOutcome(made)
    } catch (error) {
      return { kind: isRefused(error) ? 'declined' : 'unknown', reason: reasonOf(error) }
    }
  }

  async lookup(ask: LookupAsk): Promise<Lookup> {
    try {
      const found = await this.#find(ask)
      return found ? { kind: 'found', charge: await this.#shown(found) } : { kind: 'absent' }
    } catch (error) {
      return { kind: 'unknown', reason: reasonOf(error) }
    }
  }

  /** Lists are up to date at once; the search by metadata is not. */
  async #find({ payment, customer, charge, openedAtMs }: LookupAsk): Promise<Stripe.PaymentIntent | undefined> {
    const { paymentIntents } = this.#client
    const expand = ['latest_charge']
    if (charge !== undefined) return paymentIntents.retrieve(charge, { expand })
    const gte = Math.floor(openedAtMs / 1000) - MARGIN_SECONDS
    const list = paymentIntents.list({ customer, created: { gte }, limit: PAGE, expand: ['data.latest_charge'] })
    const some = await list.autoPagingToArray({ limit: MAX_SEARCHED })
    return some.find(({ metadata }) => metadata[PAYMENT] === payment)
  }

  async *list(sinceMs: number): AsyncGenerator<ProviderCharge> {
    const gte = Math.floor(sinceMs / 1000)
    const expand = ['data.latest_charge']
    let listed = 0
    for await (const intent of this.#client.paymentIntents.list({ created: { gte }, limit: PAGE, expand })) {
      listed += 1
      if (listed > MAX_LISTED)
        throw new Fault('unexpected', `more than ${MAX_LISTED} charges are not reconciled at once`)
      yield await this.#shown(intent)
    }
  }

  async #shown(intent: Stripe.PaymentIntent): Promise<ProviderCharge> {
    const { id, amount, created } = intent
    const currency = intent.currency.toUpperCase()
    const payment = intent.metadata[PAYMENT]
    return {
      charge: id,
      ...(payment === undefined ? {} : { payment }),
      amount: fromStripeUnits(amount, currency),
      currency,
      atMs: created * 1000,
      outcome: outcomeOf(intent),
      refunds: await this.#refundsOf(intent, currency),
    }
  }

  /** Asked for only where there may be some. */
  async #refundsOf({ id, latest_charge }: Stripe.PaymentIntent, currency: string): Promise<readonly ProviderRefund[]> {
    if (latest_charge === null || (typeof latest_charge !== 'string' && latest_charge.amount_refunded === 0)) return []
    const { data } = await this.#client.refunds.list({ payment_intent: id, limit: PAGE })
    return data.map((refund) => {
      const ours = refund.metadata?.[REFUND]
      const outcome = refundOutcome(refund)
      return {
        ...(ours === undefined ? {} : { refund: ours }),
        amount: fromStripeUnits(refund.amount, currency),
        outcome,
      }
    })
  }

  async verifyWebhook({ body, headers }: WebhookRequest): Promise<WebhookNews | undefined> {
    let event: Stripe.Event
    try {
      const signature = headers[SIGNATURE_HEADER] ?? ''
      event = this.#client.webhooks.constructEvent(Buffer.from(body), signature, this.#webhookSecret)
    } catch {
      return undefined
    }
    const about = event.data.object as {
      readonly id?: string
      readonly metadata?: Readonly<Record<string, string>> | null
    }
    const payment = about.metadata?.[PAYMENT]
    return payment === undefined ? {} : { payment }
  }
}
