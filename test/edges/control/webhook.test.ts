import { createHmac } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { controlOf } from '../../../src/edges/control/control.ts'
import { json, type Reply, standIn, type StandIn } from './edges.ts'

const call = { call: '01', node: 'fs1', callId: 'uuid-1', legId: 'leg', ref: 'r' }
const key = Buffer.from('a secret of enough bytes')
const secret = `whsec_${key.toString('base64')}`

let edge: StandIn | undefined
afterEach(async () => {
  await edge?.close()
  edge = undefined
})

async function webhook(reply: Reply) {
  edge = await standIn(reply)
  return controlOf({ kind: 'webhook', url: edge.url, secret, canRaise: true })
}

describe('a webhook', () => {
  it('is told to end a call, signed so that a receiver can tell it from a forgery', async () => {
    const control = await webhook((response) => json(response, {}, 202))
    await control.end(call, 'no_credit')
    const [asked] = edge?.asked ?? []
    expect(JSON.parse(asked?.body ?? '')).toEqual({ type: 'call.end', ...call, reason: 'no_credit' })
    const { 'webhook-id': id, 'webhook-timestamp': timestamp } = asked?.headers ?? {}
    const expected = createHmac('sha256', key)
      .update(`${String(id)}.${String(timestamp)}.${asked?.body ?? ''}`)
      .digest('base64')
    expect(asked?.headers['webhook-signature']).toBe(`v1,${expected}`)
    expect(Math.abs(Number(timestamp) - Date.now() / 1_000)).toBeLessThan(5)
  })

  it('signs with a plain secret as it is written', async () => {
    edge = await standIn((response) => json(response, {}))
    await controlOf({ kind: 'webhook', url: edge.url, secret: 'sixteen-or-more-' }).end(call, 'admin')
    const [asked] = edge.asked
    const { 'webhook-id': id, 'webhook-timestamp': timestamp } = asked?.headers ?? {}
    const signed = `${String(id)}.${String(timestamp)}.${asked?.body ?? ''}`
    expect(asked?.headers['webhook-signature']).toBe(
      `v1,${createHmac('sha256', 'sixteen-or-more-').update(signed).digest('base64')}`,
    )
  })

  it('asks for a warning with the seconds that are left', async () => {
    const control = await webhook((response) => json(response, {}))
    await control.warn?.(call, 30)
    expect(JSON.parse(edge?.asked[0]?.body ?? '')).toEqual({ type: 'call.warn', ...call, secondsLeft: 30 })
  })

  it('raises limits and lists calls', async () => {
    const control = await webhook((response) =>
      json(response, { calls: [{ callId: 'a', legId: 'b' }, { callId: 'c' }] }),
    )
    await control.raise(call, 90)
    expect(JSON.parse(edge?.asked[0]?.body ?? '')).toEqual({ type: 'call.raise', ...call, maxDurationSeconds: 90 })
    expect(await control.list()).toEqual([
      { callId: 'a', legId: 'b' },
      { callId: 'c', legId: '' },
    ])
  })

  const troubles: Readonly<Record<string, Reply>> = {
    'says nothing': () => undefined,
    'answers 500': (response) => json(response, {}, 500),
    'sends elsewhere': (response) => response.writeHead(307, { location: 'http://192.0.2.1/' }).end(),
    'answers more than is read': (response) => response.end('x'.repeat(200_000)),
  }

  it.each(Object.entries(troubles))('that %s is a retryable fault within the deadline', async (_, trouble) => {
    const control = await webhook(trouble)
    await expect(control.end(call, 'admin')).rejects.toMatchObject({ code: 'edge_unreachable', retryable: true })
  })

  it('is a fault when its list is none', async () => {
    const control = await webhook((response) => json(response, { calls: 'many' }))
    await expect(control.list()).rejects.toMatchObject({ code: 'edge_unreachable' })
  })
})

describe('an edge that cannot be called back', () => {
  it('says so, and claims nothing', async () => {
    const control = controlOf({ kind: 'none' })
    expect([control.canEnd, control.canRaise, control.canList]).toEqual([false, false, false])
    await control.end(call, 'admin')
    await control.raise(call, 1)
    expect(await control.list()).toEqual([])
  })
})
