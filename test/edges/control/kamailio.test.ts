import { afterEach, describe, expect, it } from 'vitest'
import { Fault } from '../../../src/base/fault.ts'
import type { EdgeCall } from '../../../src/calls/edge-control.ts'
import { controlOf } from '../../../src/edges/control/control.ts'
import { type Asked, json, type Reply, standIn, type StandIn } from './edges.ts'

const call: EdgeCall = {
  call: '01',
  node: 'kam1',
  callId: 'a"\\/<{$ci}@x',
  legId: 'tag1',
  ref: { hEntry: 7, hId: 4_000_000_000 },
}
const dialog = { h_entry: 7, h_id: 4_000_000_000, state: 4, duration: 12, caller: { cseq: '1' } }

let edge: StandIn | undefined
afterEach(async () => {
  await edge?.close()
  edge = undefined
})

async function kamailio(reply: Reply) {
  edge = await standIn(reply)
  return { control: controlOf({ kind: 'kamailio', rpcUrl: edge.url, canRaise: true }), asked: edge.asked }
}

/** Answers by method; a route by its path. */
function answering(answers: Readonly<Record<string, unknown>>): Reply {
  return (response, asked) => {
    const key = asked.path === '/RPC' ? rpc(asked).method : asked.path
    if (key in answers)
      json(response, asked.path === '/RPC' ? { jsonrpc: '2.0', id: 1, result: answers[key] } : answers[key])
    else
      json(
        response,
        { jsonrpc: '2.0', id: 1, error: { code: 404, message: 'Not found' } },
        asked.path === '/RPC' ? 200 : 404,
      )
  }
}

function rpc(asked: Asked): { readonly method: string; readonly params: readonly unknown[] } {
  return JSON.parse(asked.body) as { readonly method: string; readonly params: readonly unknown[] }
}

describe('a Kamailio', () => {
  it('ends an answered call through its dialog, with the reason on the BYEs', async () => {
    const { control, asked } = await kamailio(answering({ 'dlg.dlg_list': dialog, 'dlg.end_dlg': null }))
    await control.end(call, 'no_credit')
    expect(asked.map((one) => [rpc(one).method, rpc(one).params])).toEqual([
      ['dlg.dlg_list', [call.callId, 'tag1']],
      ['dlg.end_dlg', [7, 4_000_000_000, 'Reason: SIP;cause=402;text="no_credit"\r\n']],
    ])
  })

  it('refuses a ringing call, as its dialog could be ended only in name', async () => {
    const { control, asked } = await kamailio(
      answering({ 'dlg.dlg_list': { ...dialog, state: 2, caller: { cseq: '3' } }, '/tollgate/refuse': { ok: true } }),
    )
    await control.end(call, 'no_credit')
    expect(asked.map(({ path }) => path)).toEqual(['/RPC', '/tollgate/refuse'])
    expect(JSON.parse(asked[1]?.body ?? '')).toEqual({
      callId: call.callId,
      cseq: '3',
      sipCode: 402,
      sipReason: 'no_credit',
    })
  })

  it('has nothing to end when it does not know the call, or the call is over', async () => {
    const unknown = await kamailio(answering({}))
    await unknown.control.end(call, 'no_credit')
    expect(unknown.asked).toHaveLength(1)
    await edge?.close()
    const over = await kamailio(answering({ 'dlg.dlg_list': { ...dialog, state: 5 } }))
    await over.control.end(call, 'no_credit')
    expect(over.asked).toHaveLength(1)
  })

  it('finds a call without leg id by its call id, and takes the dialog that was referred to', async () => {
    const others = [{ ...dialog, h_id: 1 }, dialog]
    const { control, asked } = await kamailio(answering({ 'dlg.list_match': others, 'dlg.end_dlg': null }))
    await control.end({ ...call, legId: '' }, 'admin')
    expect(asked.map((one) => rpc(one).params.slice(0, 3))).toEqual([
      ['callid', 'eq', call.callId],
      [7, 4_000_000_000, 'Reason: SIP;cause=402;text="admin"\r\n'],
    ])
  })

  it('keeps a reason from adding headers', async () => {
    const { control, asked } = await kamailio(answering({ 'dlg.dlg_list': dialog, 'dlg.end_dlg': null }))
    await control.end(call, 'x"\r\nRoute: <sip:evil>')
    const [last] = asked.slice(-1)
    expect(last && rpc(last).params[2]).toBe('Reason: SIP;cause=402;text="x   Route   sip evil"\r\n')
  })

  it('raises the limit to a total from answer, counted by its own clock', async () => {
    const { control, asked } = await kamailio(answering({ 'dlg.dlg_list': dialog, '/tollgate/limit': { ok: true } }))
    await control.raise(call, 100)
    expect(JSON.parse(asked[1]?.body ?? '')).toEqual({ hEntry: 7, hId: 4_000_000_000, total: 100, seconds: 88 })
  })

  it('lists the calls that are up', async () => {
    const briefing = [
      { h_entry: 1, h_id: 1, 'call-id': 'a', from_tag: 't1', state: 4 },
      { h_entry: 2, h_id: 2, 'call-id': 'b', from_tag: 't2', state: 2 },
      { h_entry: 3, h_id: 3, 'call-id': 'c', from_tag: 't3', state: 5 },
    ]
    const { control } = await kamailio(answering({ 'dlg.briefing': briefing }))
    expect(await control.list()).toEqual([
      { callId: 'a', legId: 't1' },
      { callId: 'b', legId: 't2' },
    ])
    const legless = controlOf({ kind: 'kamailio', rpcUrl: edge?.url ?? '', withoutLegs: true })
    expect(await legless.list()).toEqual([
      { callId: 'a', legId: '' },
      { callId: 'b', legId: '' },
    ])
  })
})

describe('a Kamailio in trouble', () => {
  const troubles: Readonly<Record<string, Reply>> = {
    'says nothing': () => undefined,
    'talks garbage': (response) => response.end('<html>'),
    'answers JSON that is no answer': (response) => json(response, [1, 2]),
    'refuses the command': (response) => json(response, { error: { code: 500, message: 'Invalid parameters' } }),
    'never stops talking': (response) => {
      const more = (): void => {
        while (response.write('x'.repeat(65_536))) if (response.destroyed) return
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    },
    'drips its answer': (response) => {
      const timer = setInterval(() => response.write(' '), 100)
      response.once('close', () => clearInterval(timer))
    },
    'cuts the line': (response) => response.destroy(),
    'sends elsewhere': (response) => response.writeHead(302, { location: 'http://192.0.2.1/' }).end(),
  }

  it.each(Object.entries(troubles))('that %s is a retryable fault within the deadline', async (_, trouble) => {
    const { control } = await kamailio(trouble)
    const startedMs = Date.now()
    const error = await control.end(call, 'no_credit').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Fault)
    expect(error).toMatchObject({ code: 'edge_unreachable', retryable: true })
    expect(Date.now() - startedMs).toBeLessThan(4_000)
  })

  it('is a fault when nobody listens, and when its list has a form that is not known', async () => {
    const gone = await kamailio(() => undefined)
    await edge?.close()
    await expect(gone.control.list()).rejects.toMatchObject({ code: 'edge_unreachable' })
    const odd = await kamailio(answering({ 'dlg.briefing': [{ callid: 'a' }] }))
    await expect(odd.control.list()).rejects.toMatchObject({ code: 'edge_unreachable' })
  })

  it('is a fault when the example config does not have the route', async () => {
    const { control } = await kamailio(answering({ 'dlg.dlg_list': dialog }))
    await expect(control.raise(call, 100)).rejects.toMatchObject({ code: 'edge_unreachable' })
  })
})
