/** What outgoing webhooks need of the outside. */
import type { Page } from '../accounts/office.ts'
import type { AccountEvent } from '../events/event.ts'
import type { WebhookEndpoint } from './endpoint.ts'

export interface WebhookEndpoints {
  /** May be a second old. */
  remembered(): Promise<readonly WebhookEndpoint[]>
  list(): Promise<readonly WebhookEndpoint[]>
  find(id: string): Promise<WebhookEndpoint | undefined>
  /** False when there are as many as there may be. */
  add(endpoint: WebhookEndpoint): Promise<boolean>
  /** `edit` may be asked again when somebody else changes it too; the same endpoint changes nothing. Undefined when it is unknown. */
  change(id: string, edit: (endpoint: WebhookEndpoint) => WebhookEndpoint): Promise<WebhookEndpoint | undefined>
  remove(id: string): Promise<boolean>
}

export type SendResult =
  | { readonly kind: 'answered'; readonly status: number; readonly tookMs: number }
  /** `why` is a sentence: refused address, no answer in time, … */
  | { readonly kind: 'failed'; readonly why: string; readonly tookMs: number }

export interface WebhookMessage {
  /** The same event has the same id, also when it is sent again. */
  readonly id: string
  readonly type: string
  readonly body: string
}

export interface WebhookSender {
  /** Signs with every secret and sends once; never throws for what the other side does. */
  send(to: { readonly url: string; readonly secrets: readonly string[] }, message: WebhookMessage): Promise<SendResult>
  /** Why a URL would never be sent to, as a sentence without its subject; undefined when it may be. */
  refuses(url: string): string | undefined
}

/** One attempt. */
export interface Delivery {
  /** Of the event. */
  readonly event: string
  readonly type: string
  readonly atMs: number
  readonly attempt: number
  readonly outcome: 'delivered' | 'failed' | 'gave_up'
  readonly status?: number
  readonly why?: string
  readonly tookMs: number
}

/** Cursors of deliveries: the id of the last one that was seen. */
export const DELIVERY_CURSOR = /^\d{1,15}-\d{1,9}$/

/** Bounded: the oldest are forgotten. */
export interface DeliveryLog {
  add(endpoint: string, delivery: Delivery): Promise<void>
  /** Newest first. */
  page(endpoint: string, page: { readonly cursor?: string; readonly limit: number }): Promise<Page<Delivery>>
  forget(endpoint: string): Promise<void>
}

/** What is to be delivered. */
export interface DeliveryTask {
  readonly endpoint: string
  readonly event: AccountEvent
}

export interface DeliveryQueue {
  /** A task of an id that is known is not added again. */
  add(tasks: readonly { readonly id: string; readonly data: DeliveryTask }[]): Promise<void>
}

/** `account` is empty for what is of the whole installation. */
export type OutboxEvent = Pick<AccountEvent, 'type' | 'account' | 'atMs' | 'data'>

export interface Outbox {
  /** Tells what has this id once, however often it is called. */
  tell(id: string, event: OutboxEvent): Promise<void>
}

/** Ids of an account and of those above it; empty when it is unknown. */
export type ChainOf = (account: string) => Promise<readonly string[]>
