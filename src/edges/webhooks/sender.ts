/**
 * Sends one message by Standard Webhooks: signed over id, time and body at the moment it is sent. Nothing is followed, little
 * is read, and the connection goes to the address that was looked at.
 */
import { request as requestHttp, type RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'
import { Webhook } from 'standardwebhooks'
import type { Clock } from '../../base/time.ts'
import type { SendResult, WebhookMessage, WebhookSender } from '../../webhooks/parts.ts'
import { AddressRefused, isPublic, literalAddress, publicLookup, type Resolve } from './public-address.ts'

const MAX_ANSWER_BYTES = 64 * 1024
const MAX_WHY = 200

export interface SenderParts {
  readonly clock: Clock
  readonly settings: () => SenderSettings
  readonly resolve: Resolve
}

export interface SenderSettings {
  /** http, and addresses that are not public, are sent to as well. */
  readonly allowPrivate: boolean
  /** From the first look at the name to the end of the answer. */
  readonly deadlineSeconds: number
}

export class HttpWebhookSender implements WebhookSender {
  readonly #parts: SenderParts

  constructor(parts: SenderParts) {
    this.#parts = parts
  }

  refuses(text: string): string | undefined {
    const { allowPrivate } = this.#parts.settings()
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (!url || !/^https?:$/.test(url.protocol)) return 'must be a URL such as https://example.com/hook'
    if (url.username !== '' || url.password !== '') return 'must not have a user or password'
    if (allowPrivate) return undefined
    if (url.protocol !== 'https:') return 'must begin with https://'
    const literal = literalAddress(url)
    return literal !== undefined && !isPublic(literal) ? `${literal} is not a public address` : undefined
  }

  async send(
    { url, secrets }: { readonly url: string; readonly secrets: readonly string[] },
    { id, body }: WebhookMessage,
  ): Promise<SendResult> {
    const startedMs = performance.now()
    const tookMs = (): number => Math.round(performance.now() - startedMs)
    try {
      // Settings may have changed since the URL was taken.
      const refusal = this.refuses(url)
      if (refusal !== undefined) throw new AddressRefused(refusal)
      const status = await this.#post(
        new URL(url),
        body,
        signedHeaders(secrets, { id, body, nowMs: this.#parts.clock.nowMs() }),
      )
      return { kind: 'answered', status, tookMs: tookMs() }
    } catch (error) {
      return { kind: 'failed', why: reasonOf(error), tookMs: tookMs() }
    }
  }

  async #post(url: URL, body: string, headers: Readonly<Record<string, string>>): Promise<number> {
    const { allowPrivate, deadlineSeconds } = this.#parts.settings()
    const signal = AbortSignal.timeout(deadlineSeconds * 1_000)
    const bytes = Buffer.from(body)
    const options: RequestOptions = {
      method: 'POST',
      // A connection of its own, which a name that changes meanwhile cannot move.
      agent: false,
      signal,
      headers: { ...headers, 'content-length': bytes.length },
      ...(allowPrivate ? {} : { lookup: publicLookup(this.#parts.resolve) }),
    }
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options, (response) => {
      let read = 0
      response.on('data', (part: Buffer) => {
        read += part.length
        // What it answers is in the status; who says more is not listened to.
        if (read > MAX_ANSWER_BYTES) answered()
      })
      response.on('error', reject)
      response.on('end', answered)
      function answered(): void {
        resolve(response.statusCode ?? 0)
        response.destroy()
      }
    })
    request.on('error', reject)
    request.end(bytes)
    return promise
  }
}

interface Signing {
  readonly id: string
  readonly body: string
  readonly nowMs: number
}

function signedHeaders(secrets: readonly string[], { id, body, nowMs }: Signing): Readonly<Record<string, string>> {
  const at = new Date(Math.floor(nowMs / 1_000) * 1_000)
  return {
    'content-type': 'application/json',
    'user-agent': 'tollgate-webhooks',
    'webhook-id': id,
    'webhook-timestamp': String(at.getTime() / 1_000),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' '),
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'cannot be reached'
  if (error instanceof AddressRefused) return error.message
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return 'did not answer in time'
  const code = 'code' in error ? `${String(error.code)}: ` : ''
  return `${code}${error.message}`.slice(0, MAX_WHY)
}
