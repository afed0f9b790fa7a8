import { describe, expect, it } from 'vitest'
import { allowed, codeOf, usd } from '../support/a-call.ts'
import { forms, useWorld } from '../support/desk.ts'

describe.each(forms)('attempts of one leg, on $name', (form) => {
  const world = useWorld(form)

  it('a repeated "failed" of an earlier attempt says nothing of the one that rings', async () => {
    await world.account('acme', { credit: usd('10') })
    const call = world.call('c1')
    const failed = { id: 'event-1', cause: 'rejected', sipCode: 407 }
    allowed(await call.authorize({ attempt: '1' }))
    expect(await call.tell('failed', failed)).toMatchObject({ state: 'failed', ignored: false })
    allowed(await call.authorize({ attempt: '2' }))
    expect(await call.tell('failed', failed)).toMatchObject({ state: 'authorized', ignored: true })
    expect(await world.standing('acme')).toMatchObject({ calls: 1 })
    expect(await call.tell('failed', { id: 'event-2' })).toMatchObject({ state: 'failed', ignored: false })
    expect(await world.standing('acme')).toMatchObject({ calls: 0, reserved: 0n })
  })

  it('a late "failed" that names another attempt is ignored, also when the second came before it', async () => {
    await world.account('acme', { credit: usd('10') })
    const call = world.call('c1')
    const first = allowed(await call.authorize({ attempt: '1' }))
    expect(allowed(await call.authorize({ attempt: '2' })).call).toBe(first.call)
    expect(await call.tell('failed', { attempt: '1' })).toMatchObject({ ignored: true })
    expect(await world.standing('acme')).toMatchObject({ calls: 1 })
    expect(await call.tell('failed', { attempt: '2' })).toMatchObject({ state: 'failed' })
  })

  it('another transaction of a leg that is let in is not let in by the same answer', async () => {
    await world.account('acme', { credit: usd('10') })
    const call = world.call('c1')
    const first = allowed(await call.authorize({ attempt: '1', transaction: 'a' }))
    expect(allowed(await call.authorize({ attempt: '1', transaction: 'a' }))).toEqual(first)
    expect(await call.authorize({ attempt: '1', transaction: 'b' })).toEqual({ kind: 'conflict', call: first.call })
    expect(await call.authorize({ attempt: '2', transaction: 'c' })).toEqual({ kind: 'conflict', call: first.call })
    await call.tell('failed', { attempt: '1' })
    allowed(await call.authorize({ attempt: '2', transaction: 'c' }))
    await call.tell('failed', { attempt: '2' })
  })

  it('an attempt that is over stays gone whatever came after it', async () => {
    await world.account('acme', { credit: usd('10') })
    const call = world.call('c1')
    for (const attempt of ['1', '2']) {
      allowed(await call.authorize({ attempt }))
      await call.tell('failed', { attempt })
    }
    expect(codeOf(await call.authorize({ attempt: '1' }))).toBe('gone')
    allowed(await call.authorize({ attempt: '3' }))
    await call.tell('failed')
  })

  it('a tombstone that names its attempt is met by that attempt only', async () => {
    await world.account('acme', { credit: usd('10') })
    const call = world.call('c1')
    await call.tell('failed', { attempt: '1' })
    expect(codeOf(await call.authorize({ attempt: '1' }))).toBe('gone')
    allowed(await call.authorize({ attempt: '2' }))
    await call.tell('failed')
  })

  it('a "failed" that was sent before the request was made is of an earlier one', async () => {
    await world.account('acme', { credit: usd('10') })
    const call = world.call('c1')
    allowed(await call.authorize({ tsMs: world.nowMs }))
    expect(await call.tell('failed', { tsMs: world.nowMs - 400 })).toMatchObject({ ignored: true })
    expect(await call.tell('failed', { tsMs: world.nowMs + 400 })).toMatchObject({ state: 'failed' })
  })
})

describe.each(forms)('what is said upwards and downwards, on $name', (form) => {
  const world = useWorld(form)

  it('O4: a customer is not told what its reseller lacks', async () => {
    await world.account('reseller', { credit: 0n })
    await world.account('shop', { parent: 'reseller', credit: usd('10') })
    const answer = await world.call('c1', { account: 'shop' }).authorize()
    expect(codeOf(answer)).toBe('no_credit')
    expect(
      JSON.stringify(answer, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    ).not.toContain('reseller')
  })

  it('a call of a list that is not known is adopted when the list says who pays and who was called', async () => {
    await world.account('acme', { credit: usd('10') })
    const { node } = world.call('c1').said.leg
    const item = { callId: 'unheard', legId: 'a', account: 'acme', from: '+12125550100', to: '+12125550123' }
    const answeredAtMs = world.nowMs - 10_000
    await world.desk.edgeEvent({
      type: 'edge_list',
      node,
      instance: '1',
      tsMs: world.nowMs,
      calls: [{ ...item, answeredAtMs }],
    })
    expect(await world.standing('acme')).toMatchObject({ calls: 1 })
    const stop = { type: 'stop', leg: { node, callId: 'unheard', legId: 'a' }, seconds: 12 } as const
    expect(await world.desk.event(stop)).toMatchObject({ state: 'ended', seconds: 12 })
  })
})
