/** Every route against every kind of key: the document says what a route needs, and the daemon holds to it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Scope, scopes } from '../../src/accounts/api-keys.ts'
import { type Daemon, Home } from '../app/bench.ts'

interface Route {
  readonly method: string
  readonly path: string
  /** Undefined: open to everybody; empty: any key. */
  readonly needs: readonly string[] | undefined
}

interface Document {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly security?: readonly { readonly apiKey?: readonly string[] }[] }>>>
  >
}

const ends: (() => Promise<void>)[] = []
let daemon: Daemon
let routes: readonly Route[]
const keys = new Map<string, string>()

async function newKey(name: string, input: Record<string, unknown>): Promise<string> {
  const { id, key } = await daemon.must('POST', '/v1/keys', { name, ...input })
  keys.set(name, String(key))
  return String(id)
}

beforeAll(async () => {
  const home = await Home.make((end) => ends.unshift(end))
  daemon = await home.daemon()
  for (const [id, parent] of [['root'], ['mid', 'root'], ['leaf', 'mid'], ['other']] as const) {
    await daemon.account(id, { credit: '10.00', ...(parent === undefined ? {} : { parent }) })
  }
  for (const scope of scopes) await newKey(scope, { scopes: [scope] })
  for (const account of ['root', 'mid', 'leaf', 'other'])
    await newKey(`of ${account}`, { scopes: [...scopes], account })
  const revoked = await newKey('revoked', { scopes: [...scopes] })
  await daemon.must('DELETE', `/v1/keys/${revoked}`)
  await newKey('expired', { scopes: [...scopes], expiresAt: new Date(Date.now() + 300).toISOString() })
  const document = (await daemon.must('GET', '/openapi.json')) as unknown as Document
  routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security = [] }]) => {
      const needs = security.length === 0 ? undefined : (security[0]?.apiKey ?? [])
      return { method: method.toUpperCase(), path, needs }
    }),
  )
}, 60_000)

afterAll(async () => {
  for (const end of ends) await end()
})

/** Every place in a path filled in; nothing that is sent is a body that would be taken. */
function pathOf(path: string, account = 'mid'): string {
  const queries = { '/usage': '?from=2026-11-01&to=2026-11-30&by=day', '/v1/events': '?types=imagined' }
  const query = Object.entries(queries).find(([end]) => path.endsWith(end))?.[1] ?? ''
  return path.replace('{account}', account).replaceAll(/\{\w+\}/g, 'none') + query
}

async function statusOf({ method, path }: Route, key: string, account?: string): Promise<number> {
  const asked = method === 'GET' || method === 'DELETE' ? { key } : { key, body: '[[' }
  return (await daemon.ask(method, pathOf(path, account), asked)).status
}

describe('every route', () => {
  it('is in the document with what it needs, and there are many', () => {
    expect(routes.length).toBeGreaterThan(25)
    for (const { needs } of routes) for (const need of needs ?? []) expect(scopes).toContain(need as Scope)
    const open = routes.filter(({ needs }) => needs === undefined).map(({ path }) => path)
    expect(open.toSorted()).toEqual(
      ['/livez', '/openapi.json', '/readyz', '/startupz', '/v1/payments/webhooks/{provider}'].filter((path) =>
        open.includes(path),
      ),
    )
  })

  it.each([
    ['no key', ''],
    ['a key of nobody', 'tg_nobody_0123456789abcdef0123456789abcdef'],
    ['a text that is no key', 'tg_'],
  ])('that needs a key refuses %s', async (_what, key) => {
    for (const route of routes.filter(({ needs }) => needs !== undefined)) {
      expect([route.method, route.path, await statusOf(route, key)]).toEqual([route.method, route.path, 401])
    }
  })

  it('that needs a key refuses one that was revoked, has expired, or has another secret', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_300))
    const right = keys.get('ops:read') ?? ''
    const other = `${right.slice(0, -1)}${right.endsWith('a') ? 'b' : 'a'}`
    for (const route of routes.filter(({ needs }) => needs !== undefined)) {
      for (const key of [keys.get('revoked') ?? '', keys.get('expired') ?? '', other]) {
        expect([route.method, route.path, await statusOf(route, key)]).toEqual([route.method, route.path, 401])
      }
    }
  })

  it('takes a key of one scope exactly where that is needed', async () => {
    for (const route of routes.filter(({ needs }) => (needs?.length ?? 0) > 0)) {
      const refused = await Promise.all(
        scopes.map(async (scope) => [scope, (await statusOf(route, keys.get(scope) ?? '')) === 403]),
      )
      const expected = scopes.map((scope) => [scope, !route.needs?.includes(scope)])
      expect([route.method, route.path, refused]).toEqual([route.method, route.path, expected])
    }
  }, 60_000)
})

describe('a key of one account', () => {
  it.each([
    ['of mid', { root: false, mid: true, leaf: true, other: false }],
    ['of leaf', { root: false, mid: false, leaf: true, other: false }],
    ['of root', { root: true, mid: true, leaf: true, other: false }],
    ['of other', { root: false, mid: false, leaf: false, other: true }],
  ])('%s reaches it and what is below, on every route about an account', async (name, reach) => {
    // Of a route that names one thing of an account, 404 says nothing: the thing is not there.
    const isAbout = (path: string) => path.startsWith('/v1/accounts/{account}') && !/\{(?!account\})/.test(path)
    const about = routes.filter(({ method, path }) => method === 'GET' && isAbout(path))
    expect(about.length).toBeGreaterThan(3)
    for (const route of about) {
      for (const [account, mayReach] of Object.entries(reach)) {
        const status = await statusOf(route, keys.get(name) ?? '', account)
        expect([route.path, account, status === 404 || status === 403]).toEqual([route.path, account, !mayReach])
      }
    }
  })
})
