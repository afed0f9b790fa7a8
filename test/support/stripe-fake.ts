/** As much of Stripe's API as the adapter uses, with its idempotency keys; the card's name says what happens. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

type Params = Readonly<Record<string, string>>
type Thing = Record<string, unknown> & { readonly id: string }

interface Asked {
  readonly method: string
  readonly path: string
  readonly params: Params
  readonly key: string | undefined
}

interface Answer {
  readonly status: number
  readonly body: object
}

export class StripeFake {
  readonly asked: Asked[] = []
  readonly intents: Thing[] = []
  readonly refunds: Thing[] = []
  readonly setups: Thing[] = []
  /** Connections that are broken after the work is done. */
  drops = 0
  /** Answers with this status instead. */
  status: number | undefined
  readonly #answers = new Map<string, { readonly params: string; readonly answer: Answer }>()
  #server: Server | undefined
  #ids = 0

  async open(): Promise<string> {
    const server = createServer((request, response) => void this.#serve(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.#server = server
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections()
    await new Promise((resolve) => this.#server?.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const url = new URL(request.url ?? '/', 'http://stripe.test')
    const params = Object.fromEntries([...url.searchParams, ...new URLSearchParams(body)])
    const key = request.headers['idempotency-key']?.toString()
    const asked = { method: request.method ?? '', path: url.pathname, params, key }
    this.asked.push(asked)
    const answer = this.#answer(asked)
    if (this.drops > 0) {
      this.drops -= 1
      request.socket.destroy()
      return
    }
    response.writeHead(this.status ?? answer.status, {
      'content-type': 'application/json',
      'stripe-should-retry': 'false',
    })
    response.end(
      JSON.stringify(this.status === undefined ? answer.body : { error: { type: 'api_error', message: 'no' } }),
    )
  }

  /** The same key again gets the same answer, and does nothing. */
  #answer(asked: Asked): Answer {
    const known = asked.key === undefined ? undefined : this.#answers.get(asked.key)
    const params = JSON.stringify(asked.params)
    if (known) {
      return known.params === params ? known.answer : failed(400, { type: 'idempotency_error', message: 'other' })
    }
    const answer = this.#do(asked)
    if (asked.key !== undefined) this.#answers.set(asked.key, { params, answer })
    return answer
  }

  #do({ method, path, params }: Asked): Answer {
    const [, , noun = '', id] = path.split('/')
    if (noun === 'customers') return ok({ id: this.#id('cus'), object: 'customer' })
    if (noun === 'setup_intents') return method === 'POST' ? this.#setUp(params) : found(this.setups, id)
    if (noun === 'payment_intents') {
      if (method === 'POST') return this.#charge(params)
      return id === undefined
        ? this.#list(this.intents.filter((intent) => matches(intent, params)))
        : found(this.intents, id)
    }
    if (method === 'POST') return this.#refund(params)
    return this.#list(this.refunds.filter((refund) => refund['payment_intent'] === params['payment_intent']))
  }

  #setUp(params: Params): Answer {
    const method = params['payment_method']
    if (method === 'pm_bad') return failed(402, { type: 'card_error', code: 'card_declined', message: 'no' })
    const card = { brand: 'mastercard', last4: '4444', exp_month: 8, exp_year: 2031 }
    const setup = {
      id: this.#id('seti'),
      object: 'setup_intent',
      customer: params['customer'],
      status: method === undefined ? 'requires_payment_method' : method === 'pm_auth' ? 'requires_action' : 'succeeded',
      client_secret: 'seti_secret',
      payment_method: method === undefined ? null : { id: method, object: 'payment_method', card },
    }
    this.setups.push(setup)
    return ok(setup)
  }

  #charge(params: Params): Answer {
    const card = params['payment_method'] ?? ''
    const code = card === 'pm_auth' ? 'authentication_required' : 'card_declined'
    const fails = card === 'pm_auth' || card === 'pm_decline'
    const error = {
      type: 'card_error',
      code,
      ...(fails && card === 'pm_decline' ? { decline_code: 'insufficient_funds' } : {}),
    }
    const intent = {
      id: this.#id('pi'),
      object: 'payment_intent',
      amount: Number(params['amount']),
      currency: params['currency'],
      customer: params['customer'],
      created: Math.floor(Date.now() / 1000),
      status: fails ? 'requires_payment_method' : card === 'pm_slow' ? 'processing' : 'succeeded',
      client_secret: 'pi_secret',
      metadata: metadataIn(params),
      last_payment_error: fails ? error : null,
      latest_charge: fails ? null : { id: this.#id('ch'), object: 'charge', amount_refunded: 0 },
    }
    this.intents.push(intent)
    return fails ? failed(402, { ...error, message: 'no', payment_intent: intent }) : ok(intent)
  }

  #refund(params: Params): Answer {
    const intent = this.intents.find(({ id }) => id === params['payment_intent'])
    if (!intent) return failed(404, { type: 'invalid_request_error', code: 'resource_missing', message: 'no' })
    const amount = Number(params['amount'])
    const status = amount === 777 ? 'pending' : amount === 666 ? 'failed' : 'succeeded'
    const refund = {
      id: this.#id('re'),
      object: 'refund',
      payment_intent: intent.id,
      amount,
      status,
      failure_reason: null,
      metadata: metadataIn(params),
    }
    this.refunds.push(refund)
    ;(intent['latest_charge'] as { amount_refunded: number }).amount_refunded += amount
    return ok(refund)
  }

  #list(data: readonly Thing[]): Answer {
    return ok({ object: 'list', data, has_more: false, url: '/v1/list' })
  }

  #id(prefix: string): string {
    return `${prefix}_${(this.#ids += 1)}`
  }
}

function matches(intent: Thing, params: Params): boolean {
  const since = Number(params['created[gte]'] ?? 0)
  return Number(intent['created']) >= since && [undefined, intent['customer']].includes(params['customer'])
}

function metadataIn(params: Params): Record<string, string> {
  return Object.fromEntries(
    Object.entries(params).flatMap(([name, value]) => {
      const [, inner] = /^metadata\[(\w+)\]$/.exec(name) ?? []
      return inner === undefined ? [] : [[inner, value]]
    }),
  )
}

function found(things: readonly Thing[], id: string | undefined): Answer {
  const thing = things.find((other) => other.id === id)
  return thing ? ok(thing) : failed(404, { type: 'invalid_request_error', code: 'resource_missing', message: 'no' })
}

function ok(body: object): Answer {
  return { status: 200, body }
}

function failed(status: number, error: object): Answer {
  return { status, body: { error } }
}
