/** Rules O3 and O9: what an account used, was charged and owes is read with its own key or one from above, and no other. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Daemon, Home } from '../app/bench.ts'
import { scopes } from '../../src/accounts/api-keys.ts'

const ends: (() => Promise<void>)[] = []
let daemon: Daemon
const keys = new Map<string, string>()

beforeAll(async () => {
  const home = await Home.make((end) => ends.unshift(end))
  daemon = await home.daemon()
  for (const [id, parent] of [['root'], ['mid', 'root'], ['leaf', 'mid'], ['sister', 'root'], ['other']] as const) {
    await daemon.account(id, { credit: '10.00', ...(parent === undefined ? {} : { parent }) })
    const { key } = await daemon.must('POST', '/v1/keys', { name: id, scopes: [...scopes], account: id })
    keys.set(id, String(key))
  }
  // The embedded archive takes its time to start.
  await vi.waitFor(() => daemon.must('GET', '/v1/accounts/other/statement'), { timeout: 50_000, interval: 500 })
}, 60_000)

afterAll(async () => {
  for (const end of ends) await end()
})

const tariff = { from: '2026-11-01', to: '2026-11-30', tariff: 'none' }
const today = new Date().toISOString().slice(0, 10)

/** What each answers somebody who may: the thing is done, or is refused for another reason than who asks. */
const routes: readonly (readonly [method: string, path: string, body: unknown, allowed: readonly number[]])[] = [
  ['GET', 'usage', undefined, [200]],
  ['GET', 'usage?includeDescendants=true&by=account', undefined, [200]],
  ['GET', 'usage/changes', undefined, [200]],
  ['GET', 'usage/changes?includeDescendants=true', undefined, [200]],
  ['GET', 'transactions', undefined, [200]],
  ['GET', 'cdrs', undefined, [200]],
  ['GET', 'statement', undefined, [200]],
  ['GET', 'statements', undefined, [200]],
  ['GET', 'storage', undefined, [200]],
  ['PUT', `storage/${today}`, { bytes: 5 }, [200]],
  ['GET', 'exports', undefined, [200]],
  ['POST', 'exports', { content: 'transactions' }, [202]],
]

async function ask(key: string, method: string, path: string, body?: unknown) {
  const sent = body === undefined ? {} : { body }
  return daemon.ask(method, path, { key: keys.get(key) ?? '', ...sent })
}

describe('reports', () => {
  it.each([
    ['root', ['root', 'mid', 'leaf', 'sister']],
    ['mid', ['mid', 'leaf']],
    ['leaf', ['leaf']],
    ['sister', ['sister']],
    ['other', ['other']],
  ])(
    'are told to the key of %s of its own accounts only',
    async (key, own) => {
      for (const account of ['root', 'mid', 'leaf', 'sister', 'other']) {
        for (const [method, path, body, allowed] of routes) {
          const { status } = await ask(key, method, `/v1/accounts/${account}/${path}`, body)
          const isTold = allowed.includes(status)
          expect([key, account, method, path, status, isTold]).toEqual([
            ...[key, account, method, path, own.includes(account) ? status : 404],
            own.includes(account),
          ])
        }
      }
    },
    60_000,
  )

  it('are re-rated with a key that reaches the account: to others the account is not there', async () => {
    for (const [key, account, code] of [
      ['mid', 'leaf', 'tariff_unknown'],
      ['leaf', 'leaf', 'tariff_unknown'],
      ['leaf', 'mid', 'account_unknown'],
      ['sister', 'leaf', 'account_unknown'],
      ['other', 'root', 'account_unknown'],
    ] as const) {
      const answer = await ask(key, 'POST', `/v1/accounts/${account}/usage/rerate`, tariff)
      expect([key, account, answer.status, answer.body['code']]).toEqual([key, account, 404, code])
    }
  })

  it('have in a statement and an export of descendants what is below, and nothing from beside or above', async () => {
    const list = await ask('mid', 'GET', '/v1/accounts/mid/statements')
    const items = list.body['items'] as readonly { readonly account: string }[]
    expect(items.map(({ account }) => account)).toEqual(['mid', 'leaf'])
  })

  it('as files are fetched, looked at and taken back with a key that reaches the account, also by the name of another', async () => {
    const made = await ask('leaf', 'POST', '/v1/accounts/leaf/exports', { content: 'transactions' })
    const id = String(made.body['id'])
    const place = `/v1/accounts/leaf/exports/${id}`
    const state = async () => (await ask('leaf', 'GET', place)).body['state']
    await expect.poll(state, { timeout: 10_000 }).toBe('done')
    for (const key of ['sister', 'other']) {
      for (const [method, path] of [
        ['GET', place],
        ['GET', `${place}/file`],
        ['DELETE', place],
        // Its own account, and the export of another.
        ['GET', `/v1/accounts/${key}/exports/${id}`],
        ['GET', `/v1/accounts/${key}/exports/${id}/file`],
        ['DELETE', `/v1/accounts/${key}/exports/${id}`],
      ] as const) {
        expect([key, method, path, (await ask(key, method, path)).status]).toEqual([key, method, path, 404])
      }
    }
    expect((await ask('mid', 'GET', `${place}/file`)).status).toBe(200)
    expect((await ask('root', 'DELETE', place)).status).toBe(200)
  })
})
