import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { catalogue } from '../../../src/edges/events/catalogue.ts'
import { eventMessage } from '../../../src/edges/events/message.ts'
import { webhookReference } from '../../../src/edges/http/events/event-reference.ts'
import { callEnded } from '../../../src/events/call-ended.ts'
import { eventTypes } from '../../../src/events/event.ts'
import type { Cdr } from '../../../src/usage/cdr.ts'
import { eventReference } from './reference.ts'

const cdr: Cdr = {
  call: '01M834491F07XP4PHQP6PAKT62',
  revision: 1,
  level: 0,
  account: 'acme',
  payer: 'acme',
  node: 'kam1',
  callId: 'call-1',
  legId: 'tag',
  direction: 'outbound',
  media: 'voice',
  from: '+12125550100',
  to: '+442079460958',
  startedAt: '2026-11-23T12:00:00.000Z',
  answeredAt: '2026-11-23T12:00:05.000Z',
  endedAt: '2026-11-23T12:01:11.000Z',
  seconds: 66,
  billedSeconds: 120,
  charge: '0.066000',
  currency: 'USD',
  fundedBy: 'credit',
  parts: [],
  overrunSeconds: 0,
  cause: 'normal',
  flags: ['presumed', 'overrun'],
}

describe('the catalogue', () => {
  it('is docs/events.md', async () => {
    const path = resolve(import.meta.dirname, '../../../docs/events.md')
    await expect(eventReference()).toMatchFileSnapshot(path)
  })

  it('says of every type what it means, in a sentence', () => {
    expect(Object.keys(catalogue)).toEqual(eventTypes)
    for (const { says } of Object.values(catalogue)) expect(says).toMatch(/^[A-Z].*\.$/)
  })

  it('is the webhooks of the OpenAPI document', () => {
    const webhooks = webhookReference() as Record<string, { post: { summary: string; requestBody: object } }>
    expect(Object.keys(webhooks)).toEqual(eventTypes)
    expect(webhooks['balance.low']?.post).toMatchObject({
      summary: catalogue['balance.low'].says,
      requestBody: {
        content: {
          'application/json': {
            schema: {
              properties: {
                type: { const: 'balance.low' },
                data: {
                  properties: {
                    account: { type: 'string' },
                    available: { type: 'string' },
                    arming: { type: 'integer' },
                  },
                },
              },
            },
          },
        },
      },
    })
    expect(JSON.stringify(webhooks)).not.toContain('additionalProperties')
  })
})

describe('an event as it is told', () => {
  it('has amounts as decimal text, instants as RFC 3339, and counts as numbers', () => {
    const data = { currency: 'USD', available: '-4999999', arming: '3', threshold: '5000000' }
    expect(eventMessage({ id: '0-1-0', type: 'balance.low', account: 'acme', atMs: 0, data })).toEqual({
      type: 'balance.low',
      timestamp: '1970-01-01T00:00:00.000Z',
      data: { account: 'acme', currency: 'USD', available: '-4.999999', arming: 3, threshold: '5.000000' },
    })
  })

  it('leaves out a field that has another form or that nobody knows, and an account where there is none', () => {
    const data = { currency: 'USD', available: 'much', arming: '1.5', secret: 'x' }
    const told = eventMessage({ id: '0-1-0', type: 'recharge.due', account: '', atMs: 0, data })
    expect(told.data).toEqual({ currency: 'USD' })
  })

  it('of a call that ended holds what its CDR holds', () => {
    const told = eventMessage(callEnded('call-3-17-1', cdr))
    const { account, payer, call, direction, from, to, startedAt, answeredAt, endedAt, charge, flags } = cdr
    expect(told.timestamp).toBe(endedAt)
    expect(told.data).toMatchObject({
      account,
      payer,
      call,
      direction,
      from,
      to,
      startedAt,
      answeredAt,
      endedAt,
      charge,
      flags,
    })
    expect(told.data).toMatchObject({ revision: 1, level: 0, seconds: 66, billedSeconds: 120 })
    const { answeredAt: _, ...unanswered } = cdr
    const short = eventMessage(callEnded('call-3-17-1', { ...unanswered, flags: [] })).data
    expect([short['answeredAt'], short['flags']]).toEqual([undefined, undefined])
  })
})
