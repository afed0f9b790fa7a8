import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRig, type Rig } from './fake-daemon.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})
afterEach(() => rig.server.close())

const KEY = 'tg_k1_0123456789abcdef'
const url = 'https://example.com/hook'

function ofReseller(): void {
  rig.scene.keys[KEY] = { id: 'k1', scopes: ['webhooks:read', 'webhooks:write'], account: 'reseller' }
}

describe('webhooks', () => {
  it('are made with every type and account unless told otherwise, and show their secret once', async () => {
    const made = await rig.ask({ method: 'POST', url: '/v1/webhooks', body: { url } })
    expect(made.statusCode).toBe(201)
    expect(made.json()).toMatchObject({ id: 'new', url, types: [], secret: 'whsec_bmV3' })
    expect(rig.inputs('addWebhook')).toEqual([{ url, types: [] }])
    const listed = await rig.ask({ url: '/v1/webhooks' })
    expect(listed.json()).toMatchObject({
      items: [
        { id: 'wh1', secrets: 1 },
        { id: 'wh2', account: 'acme' },
      ],
    })
    expect(listed.body).not.toContain('whsec')
  })

  it('of a key of one account are of that account or one below it', async () => {
    ofReseller()
    const make = (body: object) => rig.ask({ method: 'POST', url: '/v1/webhooks', body: { url, ...body }, key: KEY })
    await make({})
    await make({ account: 'acme' })
    expect(rig.inputs('addWebhook')).toMatchObject([{ account: 'reseller' }, { account: 'acme' }])
    expect((await make({ account: 'platform' })).json()).toMatchObject({ status: 404, code: 'account_unknown' })
    expect((await rig.ask({ url: '/v1/webhooks', key: KEY })).json()).toMatchObject({ items: [{ id: 'wh2' }] })
  })

  it.each([
    ['GET', '', undefined],
    ['PATCH', '', { disabled: true }],
    ['DELETE', '', undefined],
    ['POST', '/rotate', undefined],
    ['POST', '/test', undefined],
    ['GET', '/deliveries', undefined],
    ['POST', '/replay', { since: '2026-11-23T00:00:00Z' }],
  ] as const)('that a key may not see are not there: %s %s', async (method, path, body) => {
    ofReseller()
    const asked = { method, ...(body ? { body } : {}), key: KEY }
    expect((await rig.ask({ ...asked, url: `/v1/webhooks/wh2${path}` })).statusCode).toBeLessThan(300)
    for (const id of ['wh1', 'wh3'])
      expect((await rig.ask({ ...asked, url: `/v1/webhooks/${id}${path}` })).json()).toMatchObject({
        status: 404,
        code: 'webhook_unknown',
      })
  })

  it('are changed, disabled and taken away', async () => {
    const changed = await rig.ask({
      method: 'PATCH',
      url: '/v1/webhooks/wh1',
      body: { disabled: true, types: ['balance.low'] },
    })
    expect(changed.json()).toMatchObject({ disabled: { reason: 'operator' }, types: ['balance.low'] })
    const removed = await rig.ask({ method: 'DELETE', url: '/v1/webhooks/wh1' })
    expect(removed.json()).toEqual({ id: 'wh1', removed: true })
  })

  it('get another secret, and the one before it a day unless told otherwise', async () => {
    const rotate = (body?: object) =>
      rig.ask({ method: 'POST', url: '/v1/webhooks/wh1/rotate', ...(body ? { body } : {}) })
    expect((await rotate()).json()).toMatchObject({ id: 'wh1', secret: 'whsec_bmV3' })
    await rotate({ oldSeconds: 0 })
    expect(rig.inputs('rotateWebhook')).toEqual([
      { id: 'wh1', oldSeconds: 86_400 },
      { id: 'wh1', oldSeconds: 0 },
    ])
  })

  it('are tested, and say what was delivered', async () => {
    const tested = await rig.ask({ method: 'POST', url: '/v1/webhooks/wh1/test' })
    expect(tested.json()).toEqual({ delivered: true, status: 204, tookMs: 7 })
    const listed = await rig.ask({ url: '/v1/webhooks/wh1/deliveries?limit=1&cursor=17-0' })
    expect(listed.json()).toMatchObject({
      items: [{ event: '3-17-0', outcome: 'failed', status: 500 }],
      nextCursor: '1-0',
    })
    expect(rig.inputs('deliveries')).toEqual([{ id: 'wh1', limit: 1, cursor: '17-0' }])
  })

  it('are replayed from an instant', async () => {
    const since = '2026-11-23T09:00:00Z'
    const replayed = await rig.ask({ method: 'POST', url: '/v1/webhooks/wh1/replay', body: { since } })
    expect([replayed.statusCode, replayed.json()]).toEqual([202, { events: 3 }])
    expect(rig.inputs('replay')).toEqual([{ id: 'wh1', sinceMs: Date.parse(since) }])
  })

  it.each([
    ['url_refused', 400, 'invalid_input'],
    ['too_many_webhooks', 409, 'too_many_webhooks'],
  ] as const)('are refused: %s', async (code, status, problem) => {
    rig.scene.webhookRefused = { kind: 'refused', code, detail: 'must begin with https://' }
    const refused = await rig.ask({ method: 'POST', url: '/v1/webhooks', body: { url } })
    expect(refused.json()).toMatchObject({ status, code: problem })
    if (status === 400) expect(refused.json()).toMatchObject({ errors: [{ pointer: '/url', code: 'value' }] })
  })

  it.each([
    ['POST', '/v1/webhooks', {}, '/url', 'required'],
    ['POST', '/v1/webhooks', { url: 7 }, '/url', 'type'],
    ['POST', '/v1/webhooks', { url: 'x'.repeat(2_049) }, '/url', 'range'],
    ['POST', '/v1/webhooks', { url, types: ['balance.imagined'] }, '/types/0', 'value'],
    ['POST', '/v1/webhooks', { url, types: ['balance.low', 'balance.low'] }, '/types', 'value'],
    ['POST', '/v1/webhooks', { url, types: 'balance.low' }, '/types', 'type'],
    ['POST', '/v1/webhooks', { url, description: '' }, '/description', 'range'],
    ['POST', '/v1/webhooks', { url, account: '-' }, '/account', 'format'],
    ['POST', '/v1/webhooks', { url, secret: 'mine' }, '/secret', 'unknown_field'],
    ['PATCH', '/v1/webhooks/wh1', { url: null }, '/url', 'type'],
    ['PATCH', '/v1/webhooks/wh1', { disabled: 'yes' }, '/disabled', 'type'],
    ['PATCH', '/v1/webhooks/wh1', { account: 'acme' }, '/account', 'unknown_field'],
    ['PATCH', '/v1/webhooks/wh1', { types: [1] }, '/types/0', 'value'],
    ['POST', '/v1/webhooks/wh1/rotate', { oldSeconds: -1 }, '/oldSeconds', 'range'],
    ['POST', '/v1/webhooks/wh1/rotate', { oldSeconds: 2_592_001 }, '/oldSeconds', 'range'],
    ['POST', '/v1/webhooks/wh1/rotate', { oldSeconds: 1.5 }, '/oldSeconds', 'type'],
    ['POST', '/v1/webhooks/wh1/replay', {}, '/since', 'required'],
    ['POST', '/v1/webhooks/wh1/replay', { since: 'yesterday' }, '/since', 'value'],
    ['POST', '/v1/webhooks/wh1/replay', { since: '2026-11-24T00:00:00Z' }, '/since', 'value'],
    ['POST', '/v1/webhooks/wh1/test', { a: 1 }, '/a', 'unknown_field'],
  ] as const)('%s %s refuses %j', async (method, path, body, pointer, code) => {
    const refused = await rig.ask({ method, url: path, body })
    expect(refused.json()).toMatchObject({ status: 400, code: 'invalid_input', errors: [{ pointer, code }] })
  })

  it.each([
    ['/v1/webhooks/a%20b', '/webhook', 'path'],
    ['/v1/webhooks/wh1/deliveries?cursor=1', '/cursor', 'query'],
    ['/v1/webhooks/wh1/deliveries?limit=501', '/limit', 'query'],
    ['/v1/webhooks/wh1/deliveries?state=x', '/state', 'query'],
    ['/v1/jobs?state=done', '/state', 'query'],
    ['/v1/jobs?queue=A', '/queue', 'query'],
    ['/v1/jobs?cursor=1', '/cursor', 'query'],
    ['/v1/events?types=balance.imagined', '/types/0', 'query'],
    ['/v1/events?types=', '/types/0', 'query'],
    ['/v1/events?account=-', '/account', 'query'],
  ])('GET %s is refused', async (path, pointer, place) => {
    const refused = await rig.ask({ url: path })
    expect(refused.json()).toMatchObject({ status: 400, errors: [{ pointer, in: place }] })
  })
})

describe('jobs', () => {
  it('that failed for good are listed, and tried again', async () => {
    const listed = await rig.ask({ url: '/v1/jobs' })
    expect(listed.json()).toMatchObject({
      items: [{ queue: 'webhooks', id: 'wh1-3-17-0', state: 'dead', attempts: 11, reason: 'it answered 500' }],
      nextCursor: '0.1',
    })
    expect(rig.inputs('jobs')).toEqual([{ state: 'dead', limit: 50 }])
    const retried = await rig.ask({ method: 'POST', url: '/v1/jobs/webhooks/wh1-3-17-0/retry' })
    expect(retried.json()).toEqual({ queue: 'webhooks', id: 'wh1-3-17-0', retried: true })
    const unknown = await rig.ask({ method: 'POST', url: '/v1/jobs/webhooks/other/retry' })
    expect(unknown.json()).toMatchObject({ status: 404, code: 'job_unknown' })
  })

  it('are not for keys of one account', async () => {
    rig.scene.keys[KEY] = { id: 'k1', scopes: ['*'], account: 'platform' }
    expect((await rig.ask({ url: '/v1/jobs', key: KEY })).json()).toMatchObject({ code: 'key_restricted' })
  })
})
