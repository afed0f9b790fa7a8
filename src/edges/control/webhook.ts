/**
 * Control of an edge by signed requests, for the glue beside a FreeSWITCH or an Asterisk.
 *
 * The signature follows Standard Webhooks: HMAC-SHA256 over `id.timestamp.body` in `webhook-signature`, so that the
 * receiver can refuse forged and old requests. `end`, `raise` and `warn` expect 2xx; `list` expects `{ calls: [{ callId, legId }] }`.
 */
import { createHmac, randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../../base/time.ts'
import type { EdgeCall, EdgeControl, ListedCall } from '../../calls/edge-control.ts'
import { parsed, post, unreachable } from './exchange.ts'

export interface WebhookSettings {
  readonly url: string
  readonly secret: string
  readonly canRaise?: boolean | undefined
}

const machineClock: Clock = { nowMs: () => performance.timeOrigin + performance.now() }

const DEADLINE_MS = 3_000
const MAX_ACT_BYTES = 64 * 1024
const MAX_LIST_BYTES = 64 * 1024 * 1024

const listSchema = z.object({
  calls: z.array(z.object({ callId: z.string(), legId: z.string().default('') })).max(200_000),
})

export class WebhookControl implements EdgeControl {
  readonly canEnd = true
  readonly canRaise: boolean
  readonly canList = true
  readonly #url: string
  readonly #key: Buffer
  readonly #clock: Clock

  constructor(settings: WebhookSettings, clock: Clock = machineClock) {
    this.#url = settings.url
    this.#key = keyOf(settings.secret)
    this.canRaise = settings.canRaise ?? false
    this.#clock = clock
  }

  async end(call: EdgeCall, reason: string): Promise<void> {
    await this.#send({ type: 'call.end', ...call, reason }, MAX_ACT_BYTES)
  }

  async raise(call: EdgeCall, totalSeconds: number): Promise<void> {
    await this.#send({ type: 'call.raise', ...call, maxDurationSeconds: totalSeconds }, MAX_ACT_BYTES)
  }

  async warn(call: EdgeCall, secondsLeft: number): Promise<void> {
    await this.#send({ type: 'call.warn', ...call, secondsLeft }, MAX_ACT_BYTES)
  }

  async list(): Promise<readonly ListedCall[]> {
    const listed = listSchema.safeParse(parsed(await this.#send({ type: 'call.list' }, MAX_LIST_BYTES)))
    if (!listed.success) throw unreachable('listed calls in a form that is not known', listed.error)
    return listed.data.calls
  }

  async #send(message: Readonly<Record<string, unknown>>, maxAnswerBytes: number): Promise<string> {
    const id = `msg_${randomUUID()}`
    const timestamp = String(Math.floor(this.#clock.nowMs() / 1_000))
    const body = JSON.stringify(message)
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature(this.#key, `${id}.${timestamp}.${body}`)}`,
    }
    const answer = await post({ url: this.#url, body, headers, deadlineMs: DEADLINE_MS, maxAnswerBytes })
    if (answer.status < 200 || answer.status > 299) throw unreachable(`answered ${answer.status}`)
    return answer.text
  }
}

/** The signature of one message, as base64. */
function signature(key: Buffer, signed: string): string {
  return createHmac('sha256', key).update(signed).digest('base64')
}

/** A `whsec_` secret is base64 by that convention; any other is taken as it is written. */
function keyOf(secret: string): Buffer {
  return secret.startsWith('whsec_')
    ? Buffer.from(secret.slice('whsec_'.length), 'base64')
    : Buffer.from(secret, 'utf8')
}
