import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fault } from '../../../src/base/fault.ts'
import { refusalCodes, refused } from '../../../src/base/outcome.ts'
import { sipReplies } from '../../../src/edges/http/sip-replies.ts'
import { allowed, callRecord } from './examples.ts'
import { openRig, type Rig } from './fake-daemon.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})
afterEach(() => rig.server.close())

const asking = { callId: 'call-9', direction: 'outbound', from: '+12025550100', to: '+442079460958', account: 'acme' }

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  rig.ask({ method: 'POST', url: `/v1/calls/${path}`, body, headers })

describe('authorize', () => {
  it('answers an allow in the words of the contract', async () => {
    const response = await post('authorize', asking)
    expect(response.statusCode).toBe(200)
    expect(response.json()).toEqual({
      allow: true,
      decision: 'allow',
      code: 'ok',
      sipCode: 200,
      call: allowed.call,
      maxDurationSeconds: 540,
      reservedSeconds: 60,
      final: false,
      fundedBy: 'credit',
      reserved: '0.020000',
      currency: 'USD',
      account: 'acme',
    })
  })

  it.each(refusalCodes)('answers %s with 200, the code and its SIP answer', async (code) => {
    rig.scene.authorize = async () => ({ kind: 'denied', call: 'C', refusal: refused(code, 'why') })
    const response = await post('authorize', asking)
    expect(response.statusCode).toBe(200)
    const { status, reason } = sipReplies[code]
    expect(response.json()).toEqual({
      allow: false,
      decision: 'deny',
      code,
      sipCode: status,
      sipReason: reason,
      detail: 'why',
      maxDurationSeconds: 0,
      call: 'C',
    })
  })

  it('fills in the default node, leg and media', async () => {
    await post('authorize', asking)
    const { callId, ...rest } = asking
    expect(rig.inputs('authorize')).toEqual([{ ...rest, media: 'voice', leg: { node: 'default', callId, legId: '' } }])
  })

  it('hands on every field', async () => {
    const all = {
      ...asking,
      instance: '7',
      trunk: 't1',
      source: '198.51.100.7',
      user: 'ann',
      media: 'video',
      mode: 'edge',
      requestSeconds: 120,
      attempt: '2 INVITE',
      ref: { hEntry: 1395, hId: 61161 },
    }
    await post('authorize', { ...all, node: 'kam1', legId: 'tag', ts: '1795380011.123456' })
    const { callId, ...rest } = all
    const leg = { node: 'kam1', callId, legId: 'tag' }
    expect(rig.inputs('authorize')).toEqual([{ ...rest, leg, tsMs: 1795380011123 }])
  })

  it('takes numbers for text, and rounds the seconds that are asked for up', async () => {
    const numbers = { callId: 17, from: 12025550100, to: 442079460958, attempt: 2, user: 7.25, node: -1, instance: 0 }
    await post('authorize', { ...asking, ...numbers, legId: 9, account: 100, requestSeconds: 29.2 })
    expect(rig.inputs('authorize')).toEqual([
      {
        direction: 'outbound',
        media: 'voice',
        leg: { node: '-1', callId: '17', legId: '9' },
        account: '100',
        from: '12025550100',
        to: '442079460958',
        attempt: '2',
        user: '7.25',
        instance: '0',
        requestSeconds: 30,
      },
    ])
    await post('extend', { callId: 17, usedSeconds: '30.25', requestSeconds: '0.5' })
    expect(rig.inputs('extend')).toEqual([
      { leg: { node: 'default', callId: '17', legId: '' }, usedSeconds: 31, requestSeconds: 1 },
    ])
  })

  it('takes what is null or empty for absent, but a withheld number for a number', async () => {
    await post('authorize', { ...asking, from: '', user: '', trunk: null, requestSeconds: '', node: '', ref: null })
    const { callId, ...rest } = asking
    expect(rig.inputs('authorize')).toEqual([
      { ...rest, from: '', media: 'voice', leg: { node: 'default', callId, legId: '' } },
    ])
  })

  it('answers other content of the same leg with 409', async () => {
    rig.scene.authorize = async () => ({ kind: 'conflict', call: 'C1' })
    const response = await post('authorize', asking)
    expect(response.statusCode).toBe(409)
    expect(response.json()).toMatchObject({ code: 'request_conflict', call: 'C1' })
  })

  it('answers 503 with Retry-After while the store is away', async () => {
    rig.scene.authorize = async () => {
      throw new Fault('store_timeout', 'no answer from redis.internal', { retryable: true })
    }
    const response = await post('authorize', asking)
    expect(response.statusCode).toBe(503)
    expect(response.headers['retry-after']).toBe('1')
    expect(response.json()).toMatchObject({ code: 'store_timeout', status: 503 })
    expect(response.body).not.toContain('redis.internal')
  })

  it('ignores fields that it does not know, counts each and logs each name once', async () => {
    await post('authorize', { ...asking, v: 1, colour: 'blue' })
    await post('authorize', { ...asking, v: 1 })
    expect(rig.inputs('authorize')).toHaveLength(2)
    expect(rig.lines.filter(({ msg }) => msg === 'unknown field ignored').map(({ field }) => field)).toEqual([
      'v',
      'colour',
    ])
    expect(await rig.metrics.text()).toContain('tollgate_unknown_fields_total{operation="authorize"} 3')
  })

  it('writes no number into the log that came as the name of a field', async () => {
    await post('authorize', { ...asking, '+442079460958': 'x' })
    expect(JSON.stringify(rig.lines)).not.toContain('2079460958')
  })
})

describe('forms and text', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const text = { accept: 'text/plain' }

  it('reads a form like the same JSON', async () => {
    const fields = 'node=kam1&callId=call-9&direction=outbound&from=%2B12025550100&to=%2B442079460958&account=acme'
    await post('authorize', `${fields}&requestSeconds=120&ref.hEntry=1395&ref.hId=61161&user=`, form)
    await post('authorize', { ...asking, node: 'kam1', requestSeconds: 120, ref: { hEntry: '1395', hId: '61161' } })
    const [fromForm, fromJson] = rig.inputs('authorize')
    expect(fromForm).toEqual(fromJson)
    expect(fromForm).toMatchObject({ requestSeconds: 120 })
  })

  it('reads JSON that was sent as a form', async () => {
    await post('authorize', JSON.stringify(asking), form)
    expect(rig.inputs('authorize')).toHaveLength(1)
  })

  it('answers an allow as lines', async () => {
    const response = await post('authorize', asking, text)
    expect(response.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(response.body.split('\n')).toEqual([
      'allow=true',
      'decision=allow',
      'code=ok',
      'sipCode=200',
      `call=${allowed.call}`,
      'maxDurationSeconds=540',
      'reservedSeconds=60',
      'final=false',
      'fundedBy=credit',
      'reserved=0.020000',
      'currency=USD',
      'account=acme',
      '',
    ])
  })

  it('keeps a detail with line breaks on one line', async () => {
    rig.scene.authorize = async () => ({ kind: 'denied', call: '', refusal: refused('no_credit', 'one\r\nallow=true') })
    const response = await post('authorize', asking, text)
    expect(response.body).toContain('detail=one allow=true\n')
    expect(response.body.split('\n').filter((line) => line === 'allow=true')).toEqual([])
  })

  it('answers JSON to who takes both', async () => {
    const response = await post('authorize', asking, { accept: 'application/json, text/plain, */*' })
    expect(response.json()).toMatchObject({ allow: true })
  })

  it('answers events as lines, numbered from 0', async () => {
    const response = await post('events', 'type=start&callId=a%3Db', { ...form, ...text })
    expect(response.body).toBe(
      `accepted=1\nresults.0.call=${allowed.call}\nresults.0.callId=a=b\nresults.0.state=answered\n`,
    )
  })
})

describe('ids of any bytes', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const legs = () => rig.inputs('authorize').map((input) => (input as { leg: { callId: string } }).leg.callId)

  it.each([
    ['spaces, quotes and slashes', 'a b/"c\\\'%00'],
    ['a NUL and a line break', 'a\u0000b\r\nc'],
    ['other alphabets and emoji', 'вызов-📞-通話'],
    ['256 bytes', 'x'.repeat(256)],
    ['256 bytes of 64 characters', '📞'.repeat(64)],
    ['a name of the platform', '__proto__'],
  ])('keeps %s', async (_, callId) => {
    expect((await post('authorize', { ...asking, callId })).statusCode).toBe(200)
    expect(legs()).toEqual([callId])
  })

  it.each([
    ['257 bytes', 'x'.repeat(257)],
    ['86 characters of 258 bytes', '通'.repeat(86)],
    ['half a character', '\ud800'],
  ])('refuses %s', async (_, callId) => {
    const response = await post('authorize', { ...asking, callId })
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchObject({ code: 'invalid_input', errors: [{ pointer: '/callId' }] })
  })

  it('tells apart ids that are no UTF-8, in forms and JSON alike', async () => {
    const fields = 'direction=outbound&from=1&to=2&callId='
    await post('authorize', `${fields}a%ff`, form)
    await post('authorize', `${fields}a%fe`, form)
    const json = (byte: number) =>
      Buffer.concat([
        Buffer.from('{"direction":"outbound","from":"1","to":"2","callId":"a'),
        Buffer.from([byte]),
        Buffer.from('"}'),
      ])
    await post('authorize', json(0xff), { 'content-type': 'application/json' })
    const [ff, fe, jsonFf] = legs()
    expect(ff).not.toBe(fe)
    expect(jsonFf).toBe(ff)
  })

  it('counts a byte that is no UTF-8 as one', async () => {
    const fields = 'direction=outbound&from=1&to=2&callId='
    expect((await post('authorize', fields + '%ff'.repeat(256), form)).statusCode).toBe(200)
    expect((await post('authorize', fields + '%ff'.repeat(257), form)).statusCode).toBe(400)
  })

  it('takes a percent sign that escapes nothing for itself', async () => {
    await post('authorize', 'direction=outbound&from=1&to=2&callId=100%&legId=%zz', form)
    expect(rig.inputs('authorize')).toMatchObject([{ leg: { callId: '100%', legId: '%zz' } }])
  })
})

describe('events', () => {
  it('hands on an event in the daemon’s words', async () => {
    const event = {
      type: 'stop',
      id: 'e1',
      node: 'kam1',
      instance: '7',
      callId: 'call-1',
      legId: 'tag-1',
      attempt: '2 INVITE',
      ts: '1795380011.123456',
      answeredAt: 1795380000.5,
      endedAt: '2026-11-22T21:20:10.250Z',
      seconds: '9',
      cause: 'caller_bye',
      sipCode: '200',
      decision: 'failopen',
      account: 'acme',
      trunk: 't1',
      from: '1',
      to: '2',
      direction: 'inbound',
      ref: 'x',
    }
    await post('events', event)
    expect(rig.inputs('event')).toEqual([
      {
        type: 'stop',
        id: 'e1',
        attempt: '2 INVITE',
        leg: { node: 'kam1', callId: 'call-1', legId: 'tag-1' },
        instance: '7',
        tsMs: 1795380011123,
        answeredAtMs: 1795380000500,
        endedAtMs: Date.UTC(2026, 10, 22, 21, 20, 10, 250),
        seconds: 9,
        cause: 'caller_bye',
        sipCode: 200,
        failOpen: true,
        account: 'acme',
        trunk: 't1',
        from: '1',
        to: '2',
        direction: 'inbound',
        ref: 'x',
      },
    ])
  })

  it.each([
    [61.4, 61.4],
    ['61.4', 61.4],
    ['61.400000', 61.4],
    [0.25, 0.25],
    ['0', 0],
    [0, 0],
    ['61', 61],
  ])('keeps %j seconds as the edge counted them', async (seconds, kept) => {
    const event = { type: 'stop', callId: 17, id: 8, attempt: 2, cause: 16, ts: 1795380011.5, seconds }
    expect((await post('events', event)).statusCode).toBe(200)
    const leg = { node: 'default', callId: '17', legId: '' }
    const words = { id: '8', attempt: '2', cause: '16', tsMs: 1795380011500 }
    expect(rig.inputs('event')).toEqual([{ type: 'stop', leg, ...words, seconds: kept }])
  })

  it('hands on what the list of an edge says of its calls', async () => {
    const said = { account: 100, trunk: 't1', user: 'ann', from: '', to: 442079460958, direction: 'inbound', ref: 'x' }
    const full = { callId: 17, legId: 9, ...said, answeredAt: '1795380000.5' }
    const calls = ['a', 5, { callId: 'b', answeredAt: 0, account: '', user: null, colour: 'blue' }, full]
    await post('events', { type: 'edge_list', node: 1, instance: 7, ts: 1795380011, calls })
    expect(rig.inputs('edgeEvent')).toEqual([
      {
        type: 'edge_list',
        node: '1',
        instance: '7',
        tsMs: 1795380011000,
        calls: [
          { callId: 'a', legId: '' },
          { callId: '5', legId: '' },
          { callId: 'b', legId: '' },
          { callId: '17', legId: '9', ...said, account: '100', to: '442079460958', answeredAtMs: 1795380000500 },
        ],
      },
    ])
  })

  it('takes a time of zero for none, as switches say of calls that nobody answered', async () => {
    await post('events', { type: 'failed', callId: 'a', answeredAt: '0', endedAt: 0, ts: '0.000000', sipCode: 0 })
    expect(rig.inputs('event')).toEqual([{ type: 'failed', leg: { node: 'default', callId: 'a', legId: '' } }])
  })

  it('answers the results in the order of the events', async () => {
    rig.scene.event = async ({ leg, type }) => ({
      call: `C-${leg.callId}`,
      state: type === 'stop' ? 'ended' : 'answered',
      ...(type === 'stop' ? { charge: 20_000n, currency: 'USD', seconds: 9, billedSeconds: 60 } : {}),
      ignored: type === 'alive',
    })
    const types = ['start', 'alive', 'stop']
    const response = await post(
      'events',
      types.map((type) => ({ type, callId: type })),
    )
    expect(response.json()).toEqual({
      accepted: 3,
      results: [
        { call: 'C-start', callId: 'start', state: 'answered' },
        { call: 'C-alive', callId: 'alive', state: 'answered', ignored: true },
        {
          call: 'C-stop',
          callId: 'stop',
          state: 'ended',
          charge: '0.020000',
          currency: 'USD',
          seconds: 9,
          billedSeconds: 60,
        },
      ],
    })
    expect(await rig.metrics.text()).toContain('tollgate_events_total{type="stop"} 1')
  })

  it('answers 503 for the whole batch when one event meets a fault, and takes none after it', async () => {
    rig.scene.event = async ({ leg }) => {
      if (leg.callId === 'b') throw new Fault('store_unavailable', 'gone', { retryable: true })
      return { state: 'noted', ignored: false }
    }
    const response = await post(
      'events',
      ['a', 'b', 'c'].map((callId) => ({ type: 'alive', callId })),
    )
    expect(response.statusCode).toBe(503)
    expect(response.headers['retry-after']).toBe('1')
    expect(rig.inputs('event')).toHaveLength(2)
  })

  it('takes nothing of a batch with a bad event in it, and names each bad field', async () => {
    const response = await post('events', [
      { type: 'stop', callId: 'a' },
      { type: 'burp', callId: 'b' },
      { type: 'stop' },
    ])
    expect(response.statusCode).toBe(400)
    expect(response.json<{ errors: { pointer: string }[] }>().errors.map(({ pointer }) => pointer)).toEqual([
      '/1/type',
      '/2/callId',
    ])
    expect(rig.inputs('event')).toEqual([])
  })

  it('takes 100 events and not 101', async () => {
    const events = Array.from({ length: 101 }, (_, n) => ({ type: 'alive', callId: String(n) }))
    expect((await post('events', events.slice(1))).json()).toMatchObject({ accepted: 100 })
    expect((await post('events', events)).statusCode).toBe(400)
  })

  it('hands on what an edge says of itself', async () => {
    await post('events', { type: 'edge_up', node: 'kam1', instance: '8', ts: '1795380011' })
    await post('events', { type: 'edge_list', node: 'kam1', instance: '8', calls: ['a', { callId: 'b', legId: 't' }] })
    expect(rig.inputs('edgeEvent')).toEqual([
      { type: 'edge_up', node: 'kam1', instance: '8', tsMs: 1795380011000 },
      {
        type: 'edge_list',
        node: 'kam1',
        instance: '8',
        calls: [
          { callId: 'a', legId: '' },
          { callId: 'b', legId: 't' },
        ],
      },
    ])
  })

  it('takes a list of more calls than fit into 64 kB', async () => {
    const calls = Array.from({ length: 2_000 }, (_, n) => ({
      callId: `${n}-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`,
      legId: 't',
    }))
    const response = await post('events', { type: 'edge_list', node: 'kam1', instance: '8', calls })
    expect(response.json()).toEqual({ accepted: 1, results: [{ state: 'noted' }] })
  })
})

describe('extend', () => {
  it('answers like authorize', async () => {
    const response = await post('extend', { callId: 'call-1', usedSeconds: 50, requestSeconds: '60' })
    expect(response.json()).toMatchObject({ allow: true, maxDurationSeconds: 540 })
    expect(rig.inputs('extend')).toEqual([
      { leg: { node: 'default', callId: 'call-1', legId: '' }, usedSeconds: 50, requestSeconds: 60 },
    ])
  })

  it('answers 404 of a leg that nobody knows', async () => {
    rig.scene.extend = async () => undefined
    const response = await post('extend', { callId: 'call-1' })
    expect(response.statusCode).toBe(404)
    expect(response.json()).toMatchObject({ code: 'call_unknown' })
  })
})

describe('calls for people', () => {
  it('lists live calls a page at a time, as asked for', async () => {
    const response = await rig.ask({ url: '/v1/calls?account=acme&state=answered&node=kam1&cursor=0.1&limit=7' })
    expect(response.json()).toMatchObject({ items: [{ call: allowed.call, reserved: '0.020000' }], nextCursor: '0.1' })
    expect(rig.inputs('list')).toEqual([{ account: 'acme', state: 'answered', node: 'kam1', cursor: '0.1', limit: 7 }])
  })

  it('lists 50 unless told otherwise', async () => {
    await rig.ask({ url: '/v1/calls' })
    expect(rig.inputs('list')).toEqual([{ limit: 50 }])
  })

  it('shows a call with its explanation', async () => {
    const response = await rig.ask({ url: `/v1/calls/${allowed.call}` })
    expect(response.json()).toMatchObject({
      call: allowed.call,
      state: 'answered',
      node: 'kam1',
      callId: 'call-1',
      answeredAt: '2026-11-23T09:59:05.000Z',
      explanation: { levels: [{ account: 'acme' }, { account: 'reseller' }, { account: 'platform' }] },
    })
  })

  it('shows what an ended call cost', async () => {
    const end = { endedAtMs: Date.UTC(2026, 10, 23, 10), seconds: 55, cause: 'lost', presumed: true, heardAtMs: 0 }
    const charge = { micros: 20_000n, billedSeconds: 60, pools: [], overrunSeconds: 0 }
    const levels = callRecord().levels.map((level) => ({ ...level, charge }))
    rig.scene.calls[0] = callRecord({ state: 'ended', end, levels })
    const response = await rig.ask({ url: `/v1/calls/${allowed.call}` })
    const call = response.json<Record<string, unknown>>()
    expect(call).toMatchObject({ charge: '0.020000', billedSeconds: 60, seconds: 55, cause: 'lost', presumedEnd: true })
    expect(call).not.toHaveProperty('reserved')
  })

  it('ends a call, with or without a reason', async () => {
    const url = `/v1/calls/${allowed.call}/end`
    const response = await rig.ask({ method: 'POST', url, body: { reason: 'fraud' } })
    expect(response.json()).toMatchObject({ state: 'ending', endingReason: 'fraud' })
    expect((await rig.ask({ method: 'POST', url })).statusCode).toBe(200)
    expect(rig.inputs('end')).toEqual([
      { call: allowed.call, reason: 'fraud' },
      { call: allowed.call, reason: undefined },
    ])
  })

  it.each(['GET', 'POST'] as const)('%s of a call that nobody knows is 404', async (method) => {
    const url = `/v1/calls/01JDBXGZ2K0000000000000009${method === 'POST' ? '/end' : ''}`
    const response = await rig.ask({ method, url })
    expect(response.statusCode).toBe(404)
    expect(response.json()).toMatchObject({ code: 'call_unknown' })
  })

  const asked = { account: 'acme', direction: 'outbound', from: '+12025550100', to: '+442079460958' }

  it('quotes', async () => {
    const body = { ...asked, seconds: 60, at: '2026-12-24T20:00:00+01:00' }
    const response = await rig.ask({ method: 'POST', url: '/v1/quotes', body })
    expect(response.json()).toEqual({
      price: '0.020000',
      currency: 'USD',
      billedSeconds: 60,
      maxSeconds: 540,
      funding: [{ source: 'credit', seconds: 60, amount: '0.020000' }],
    })
    expect(rig.inputs('quote')).toEqual([{ ...asked, seconds: 60, atMs: Date.UTC(2026, 11, 24, 19) }])
  })

  it('answers a quote of a call that would be refused with the refusal', async () => {
    rig.scene.quote = async () => refused('no_rate', 'no price for this number')
    const response = await rig.ask({ method: 'POST', url: '/v1/quotes', body: asked })
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject({ decision: 'deny', code: 'no_rate', sipCode: 404 })
  })
})
