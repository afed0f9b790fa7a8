import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fault, type FaultCode, InvariantError } from '../../../src/base/fault.ts'
import { type Ask, openRig, type Rig } from './fake-daemon.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})
afterEach(() => rig.server.close())

const asking = { callId: 'c', direction: 'outbound', from: '1', to: '2' }
const json = { 'content-type': 'application/json' }
const authorize = (body: unknown, headers: Record<string, string> = json) =>
  rig.ask({ method: 'POST', url: '/v1/calls/authorize', body, headers })
const put = (body: unknown, headers: Record<string, string> = json) =>
  rig.ask({ method: 'PUT', url: '/v1/accounts/acme', body, headers })

describe('a problem', () => {
  it('has the members of RFC 9457 and ours, and its own media type', async () => {
    const response = await put('{"colour":"blue","maxCalls":-1}')
    expect(response.headers['content-type']).toBe('application/problem+json')
    expect(response.json()).toEqual({
      type: 'urn:tollgate:problem:invalid_input',
      title: 'Some of the input is not valid',
      status: 400,
      detail: '/maxCalls must be at least 0, and 1 more',
      instance: '/v1/accounts/acme',
      code: 'invalid_input',
      errors: [
        { pointer: '/maxCalls', message: 'must be at least 0', code: 'range' },
        { pointer: '/colour', message: '"colour" is not known here', code: 'unknown_field' },
      ],
    })
  })

  it('names no query in its instance, as there may be numbers in it', async () => {
    const response = await rig.ask({ url: '/v1/calls?account=a%20b' })
    expect(response.json()).toMatchObject({ instance: '/v1/calls' })
  })

  it('escapes the names of fields in its pointers', async () => {
    const response = await put('{"a/b~c":1}')
    expect(response.json()).toMatchObject({ errors: [{ pointer: '/a~1b~0c' }] })
  })

  it('names at most a hundred fields', async () => {
    const response = await put(JSON.stringify(Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`f${n}`, 1]))))
    expect(response.json().errors).toHaveLength(100)
  })
})

describe('a body that is no JSON', () => {
  it.each([
    ['{"a" 1}', 5, '"1" stands where ":" should be at line 1, column 6'],
    ['{"a":1,}', 7, '"}" stands where name should be at line 1, column 8'],
    ['{"a":1', 6, 'the end stands where "," or "}" should be at line 1, column 7'],
    ['{\n  "a": [1,\n  ]}', 15, '"]" stands where value should be at line 3, column 3'],
    ['{"a":01}', 5, '"0" stands where value should be at line 1, column 6'],
    ['{"a":tru}', 5, '"t" stands where value should be at line 1, column 6'],
    ['{"a":"b\nc"}', 7, '"\\n" stands where the rest of a text should be at line 1, column 8'],
    ['{"a":"b\\x"}', 7, '"\\\\" stands where the rest of a text should be at line 1, column 8'],
    ['{"a":"b', 7, 'the end stands where the rest of a text should be at line 1, column 8'],
    ['{a:1}', 1, '"a" stands where name or "}" should be at line 1, column 2'],
    ['[1 2]', 3, '"2" stands where "," or "]" should be at line 1, column 4'],
    ['{"a":1}}', 7, '"}" stands where end should be at line 1, column 8'],
    ['{} x', 3, '"x" stands where end should be at line 1, column 4'],
    ["{'a':1}", 1, '"\'" stands where name or "}" should be at line 1, column 2'],
    ['callId=x', 0, '"c" stands where value should be at line 1, column 1'],
    ['[1,2}', 4, '"}" stands where "," or "]" should be at line 1, column 5'],
  ])('%s breaks at %i', async (body, position, message) => {
    for (const ask of [authorize, put]) {
      const response = await ask(body)
      expect(response.statusCode).toBe(400)
      expect(response.json()).toMatchObject({
        code: 'malformed_body',
        position,
        detail: `the body is not JSON: ${message}`,
        errors: [{ pointer: '', code: 'syntax' }],
      })
    }
  })

  it('is told without a place when it is too long to look for one', async () => {
    const body = `{"currency":"USD","rates":[${'1,'.repeat(600_000)}]}`
    const response = await rig.ask({ method: 'POST', url: '/v1/tariffs/retail/versions', body, headers: json })
    expect(response.json()).toMatchObject({ code: 'malformed_body', detail: 'the body is not JSON' })
  })

  it('may begin with a byte order mark', async () => {
    expect((await authorize(`\ufeff${JSON.stringify(asking)}`)).statusCode).toBe(200)
  })

  it('is refused when it is no UTF-8, where accounts are named', async () => {
    const response = await put(Buffer.concat([Buffer.from('{"name":"a'), Buffer.from([0xff]), Buffer.from('"}')]))
    expect(response.json()).toMatchObject({ code: 'malformed_body', detail: 'the body is not UTF-8' })
  })

  it('is required where it is not optional', async () => {
    const response = await rig.ask({ method: 'PUT', url: '/v1/accounts/acme', headers: json })
    expect(response.json()).toMatchObject({ status: 400, code: 'invalid_input' })
  })
})

describe('a body that is too deep or too large', () => {
  const nested = (depth: number) => '[{"a":'.repeat(depth / 2) + '1' + '}]'.repeat(depth / 2)

  it('may be 20 deep', async () => {
    expect((await put(nested(20))).json()).toMatchObject({ code: 'invalid_input' })
    expect((await put(nested(22))).json()).toMatchObject({ code: 'malformed_body', errors: [{ code: 'depth' }] })
  })

  it('is refused at once, however deep', async () => {
    const response = await rig.ask({
      method: 'POST',
      url: '/v1/tariffs/retail/versions',
      body: '['.repeat(5_000_000),
      headers: json,
    })
    expect(response.json()).toMatchObject({ code: 'malformed_body', detail: 'the body is nested deeper than 20' })
  })

  it('does not take brackets in texts for depth', async () => {
    expect((await authorize({ ...asking, from: `\\"${'[{'.repeat(50)}` }, {})).statusCode).toBe(200)
  })

  const padded = (bytes: number) => JSON.stringify({ ...asking, pad: 'x'.repeat(bytes) })

  it.each([
    ['/v1/calls/authorize', 64 * 1024],
    ['/v1/calls/extend', 64 * 1024],
    ['/v1/calls/events', 1024 * 1024],
    ['/v1/quotes', 1024 * 1024],
    ['/v1/keys', 1024 * 1024],
  ])('is 413 for %s above %i bytes', async (url, limit) => {
    const over = await rig.ask({ method: 'POST', url, body: padded(limit), headers: json })
    expect(over.json()).toMatchObject({ status: 413, code: 'body_too_large' })
    const under = await rig.ask({ method: 'POST', url, body: padded(limit - 200), headers: json })
    expect(under.statusCode).not.toBe(413)
  })

  it.each(['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded'])(
    'is 415 as %s where JSON is wanted',
    async (type) => {
      expect((await put('x=1', { 'content-type': type })).json()).toMatchObject({
        status: 415,
        code: 'media_type_unsupported',
      })
    },
  )

  it.each(['application/json; charset=utf-8', 'application/merge-patch+json', 'APPLICATION/JSON'])(
    'is read as %s',
    async (type) => {
      expect((await put('{}', { 'content-type': type })).statusCode).toBe(200)
    },
  )
})

describe('paths and methods', () => {
  it.each(['/', '/v1', '/v2/calls', '/v1/accounts/acme/secrets', '/v1/calls/a/b/c'])('%s is 404', async (url) => {
    const response = await rig.ask({ url, key: undefined })
    expect(response.json()).toMatchObject({ status: 404, code: 'not_found' })
  })

  it.each([
    ['DELETE', '/v1/accounts/acme', 'GET, HEAD, PATCH, PUT'],
    ['POST', '/v1/accounts', 'GET, HEAD'],
    ['PUT', '/v1/calls', 'GET, HEAD'],
    ['PATCH', '/v1/accounts/acme/pools', 'POST'],
    ['POST', '/livez', 'GET, HEAD'],
  ] as const)('%s %s is 405 and says what may be done', async (method, url, allow) => {
    const response = await rig.ask({ method, url })
    expect(response.json()).toMatchObject({ status: 405, code: 'method_not_allowed' })
    expect(response.headers['allow']).toBe(allow)
  })

  it('HEAD answers as GET does, without the body, and needs the same key', async () => {
    const alive = await rig.server.inject({ method: 'HEAD', url: '/livez' })
    expect([alive.statusCode, alive.body]).toEqual([200, ''])
    expect((await rig.server.inject({ method: 'HEAD', url: '/v1/calls' })).statusCode).toBe(401)
  })

  it('a path that cannot be decoded is 400', async () => {
    expect((await rig.ask({ url: '/v1/accounts/%zz' })).json()).toMatchObject({
      status: 400,
      code: 'malformed_request',
    })
  })

  it('a path with an id beyond all bounds is refused', async () => {
    expect((await rig.ask({ url: `/v1/accounts/${'x'.repeat(5000)}` })).statusCode).toBeGreaterThanOrEqual(400)
  })
})

describe('what breaks behind', () => {
  const failing = (error: unknown) => {
    rig.scene.authorize = async () => {
      throw error
    }
    return authorize(JSON.stringify(asking))
  }

  it.each<FaultCode>(['store_unavailable', 'store_timeout', 'store_overloaded', 'edge_unreachable'])(
    '%s is 503 when it may pass',
    async (code) => {
      const response = await failing(new Fault(code, 'inner', { retryable: true }))
      expect(response.json()).toMatchObject({ status: 503, code })
      expect(response.headers['retry-after']).toBe('1')
    },
  )

  it('what the archive takes too long for is 503 and says what to do', async () => {
    const { statusCode, body } = await failing(new Fault('archive_unavailable', 'inner words'))
    expect(statusCode).toBe(503)
    expect(body).toContain('ask for a shorter period')
    expect(body).not.toContain('inner words')
  })

  it.each([
    ['a fault that does not pass', new Fault('store_unfit', 'inner words')],
    ['an error', new TypeError('inner words')],
    ['something thrown that is no error', { inner: 'inner words' }],
  ])('%s is 500 with a reference that the log has too', async (_, error) => {
    const response = await failing(error)
    expect(response.statusCode).toBe(500)
    const problem = response.json<{ code: string; reference: string }>()
    expect(problem.code).toBe('internal_error')
    expect(problem.reference).toMatch(/^[0-9a-f-]{36}$/)
    expect(response.body).not.toMatch(/inner words|\.ts|at /)
    expect(rig.lines).toContainEqual(
      expect.objectContaining({
        level: 'error',
        reference: problem.reference,
        method: 'POST',
        route: '/v1/calls/authorize',
      }),
    )
    expect(rig.bugs).toEqual([])
  })

  it('a broken invariant is 500 and told to who runs the process', async () => {
    const broken = new InvariantError('reserved below zero')
    expect((await failing(broken)).statusCode).toBe(500)
    expect(rig.bugs).toEqual([broken])
  })
})

describe('health', () => {
  const health = async (url: Ask['url']) => {
    const response = await rig.ask({ url, key: undefined })
    return [response.statusCode, response.json<unknown>(), response.headers['retry-after']]
  }

  it('is well', async () => {
    expect(await health('/livez')).toEqual([200, { status: 'ok' }, undefined])
    expect(await health('/startupz')).toEqual([200, { status: 'ok' }, undefined])
    expect(await health('/readyz')).toEqual([200, { status: 'ok', detail: { store: 'ok' } }, undefined])
  })

  it('says why the daemon is not ready, and that it lives', async () => {
    rig.scene.ready = false
    expect(await health('/readyz')).toEqual([503, { status: 'not_ready', detail: { store: 'away' } }, '1'])
    expect(await health('/livez')).toEqual([200, { status: 'ok' }, undefined])
  })

  it('says that the daemon has not started', async () => {
    rig.scene.started = false
    expect(await health('/startupz')).toEqual([503, { status: 'starting' }, '1'])
  })

  it('is not ready while it drains, and then sends callers elsewhere but answers them', async () => {
    expect((await authorize(JSON.stringify(asking))).headers['connection']).toBe('keep-alive')
    rig.scene.draining = true
    expect(await health('/readyz')).toEqual([503, { status: 'draining', detail: { store: 'ok' } }, '1'])
    const response = await authorize(JSON.stringify(asking))
    expect(response.statusCode).toBe(200)
    expect(response.headers['connection']).toBe('close')
  })

  it('serves its figures', async () => {
    const response = await rig.ask({ url: '/metrics' })
    expect(response.headers['content-type']).toMatch(/^text\/plain; version=/)
    expect(response.body).toContain('# TYPE tollgate_decisions_total counter')
  })

  it('holds the books against the journal', async () => {
    const response = await rig.ask({ method: 'POST', url: '/v1/audit/verify' })
    expect(response.json()).toEqual({
      ok: true,
      entries: 12,
      checkpointed: 5,
      accounts: 3,
      partitions: 64,
      problems: [],
    })
  })
})
