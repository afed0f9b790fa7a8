import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRig, type Rig } from './fake-daemon.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})
afterEach(() => rig.server.close())

const url = '/v1/accounts/acme/usage/rerate'
const body = { from: '2026-11-01', to: '2026-11-02', tariff: 'retail' }

describe('re-rating', () => {
  it('shows a page of differences by the version in force, and changes nothing unless asked to', async () => {
    const response = await rig.ask({ method: 'POST', url: `${url}?limit=2&cursor=9`, body })
    expect(response.json()).toEqual({
      account: 'acme',
      tariff: 'retail',
      version: 2,
      currency: 'USD',
      calls: 3,
      changed: 1,
      posted: 0,
      left: { no_rate: 1, blocked: 0, unexplained: 1 },
      before: '0.030000',
      after: '0.060000',
      items: [{ call: 'A', from: '+1', to: '+44', seconds: 30, before: '0.030000', after: '0.060000', posted: false }],
      progress: 500,
      nextCursor: '7',
    })
    expect(rig.inputs('rerate')).toEqual([
      {
        account: 'acme',
        tariff: 'retail',
        version: 2,
        post: false,
        limit: 2,
        cursor: '9',
        fromMs: Date.UTC(2026, 10, 1, 4),
        untilMs: Date.UTC(2026, 10, 3, 5),
      },
    ])
    expect((await rig.ask({ method: 'POST', url, body: { ...body, post: true } })).json()).toMatchObject({ posted: 1 })
  })

  it.each([
    [{ ...body, from: undefined }, 400, 'invalid_input'],
    [{ ...body, tariff: 'euro' }, 400, 'invalid_input'],
    [{ ...body, version: 3 }, 404, 'tariff_unknown'],
    [{ ...body, to: '2026-10-01' }, 400, 'invalid_input'],
  ])('of %j is refused', async (asked, status, code) => {
    const response = await rig.ask({ method: 'POST', url, body: asked })
    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([status, code])
  })

  it('needs a key that may move money of the account', async () => {
    rig.scene.keys['tg_reader_0123456789abcdef'] = { id: 'reader', scopes: ['usage:read'] }
    rig.scene.keys['tg_acme_0123456789abcdef'] = { id: 'acme', scopes: ['credit:write'], account: 'acme' }
    expect((await rig.ask({ method: 'POST', url, body, key: 'tg_reader_0123456789abcdef' })).statusCode).toBe(403)
    const other = { method: 'POST', url: url.replace('acme', 'other'), body, key: 'tg_acme_0123456789abcdef' } as const
    expect((await rig.ask(other)).statusCode).toBe(404)
  })
})
