/** SIGTERM drains requests, not calls. */
import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { freePort, until } from '../edges/sip/process.ts'
import { Home, LONDON } from './bench.ts'
import { HttpSocket } from './http-socket.ts'

const authorize = (account: string, callId: string): string =>
  JSON.stringify({ account, callId, direction: 'outbound', from: '+12125550100', to: LONDON })

describe.concurrent('SIGTERM', { timeout: 40_000 }, () => {
  it('lets requests under way be answered, closes their connections, ends the Redis last, and leaves the calls to the next', async ({
    onTestFinished,
  }) => {
    const home = await Home.make(onTestFinished)
    const daemon = await home.daemon()
    const account = await daemon.account('caller', { credit: '10000.00' })
    await daemon.authorize(account, 'up')
    await daemon.event('start', 'up')
    const callIds = Array.from({ length: 20 }, (_, call) => `late-${call}`)
    const path = '/v1/calls/authorize'
    const begun = await Promise.all(callIds.map((id) => HttpSocket.begun(daemon, path, authorize(account, id))))
    const probe = await HttpSocket.open(daemon)
    probe.send('GET /readyz HTTP/1.1\r\nHost: tollgate\r\n')
    // What was sent before is read before this is answered.
    await daemon.balance(account)

    const signalledMs = performance.now()
    daemon.signal('SIGTERM')
    await daemon.says('stopping')
    await until('nobody new is let in', () =>
      daemon.ask('GET', '/livez').then(
        () => false,
        () => true,
      ),
    )
    probe.send('\r\n')
    const health = await probe.ends()
    expect(health).toMatch(/^HTTP\/1\.1 503 /)
    expect(health).toContain('"status":"draining"')
    for (const [index, socket] of begun.entries()) socket.send(authorize(account, callIds[index]!))
    for (const socket of begun) {
      const answer = await socket.ends()
      expect(answer).toMatch(/HTTP\/1\.1 200 OK/)
      expect(answer).toContain('"allow":true')
    }
    expect(await daemon.exited).toBe(0)
    expect(performance.now() - signalledMs).toBeLessThan(5_000)
    expect(await home.redisPids()).toEqual([])
    expect(await home.redisLog()).toContain('Redis is now ready to exit')

    const next = await home.daemon()
    expect(await next.says('the embedded Redis runs')).toMatchObject([{ adopted: false }])
    expect(await home.redisLog()).not.toMatch(/truncat|bad file format|corrupt/i)
    expect((await next.balance(account)).calls).toBe(21)
    const [first] = callIds
    expect(await next.event('stop', 'up', { seconds: 5 })).toMatchObject({ charge: '5.000000' })
    expect(await next.event('stop', first!, { seconds: 4 })).toMatchObject({ charge: '4.000000' })
    expect(await next.drifts()).toEqual([])
  })

  it('answers the request that was on its way on an idle connection', async ({ onTestFinished }) => {
    const home = await Home.make(onTestFinished)
    const daemon = await home.daemon()
    const kept = await HttpSocket.open(daemon)
    kept.send('GET /livez HTTP/1.1\r\nHost: tollgate\r\n\r\n')
    await until('the connection was used, and is idle', () => kept.heard.includes('200 OK'))
    daemon.signal('SIGTERM')
    await daemon.says('stopping')
    kept.send('GET /livez HTTP/1.1\r\nHost: tollgate\r\n\r\n')
    const answers = (await kept.ends()).split('HTTP/1.1 200 OK').slice(1)
    expect(answers).toHaveLength(2)
    expect(answers[1]).toMatch(/^connection: close/im)
    expect(await daemon.exited).toBe(0)
  })

  it('a second time ends the daemon at once', async ({ onTestFinished }) => {
    const home = await Home.make(onTestFinished)
    const daemon = await home.daemon()
    const stuck = await HttpSocket.begun(daemon, '/v1/calls/authorize', authorize('nobody', 'never-sent'))
    daemon.signal('SIGTERM')
    await daemon.says('stopping')
    const signalledMs = performance.now()
    daemon.signal('SIGTERM')
    expect(await daemon.exited).toBe(1)
    expect(performance.now() - signalledMs).toBeLessThan(2_000)
    stuck.close()
    const next = await home.daemon()
    expect(await next.says('the embedded Redis runs')).toMatchObject([{ adopted: true }])
  })

  it('does not wait for a client that never finishes its request, and ends the Redis all the same', async ({
    onTestFinished,
  }) => {
    const home = await Home.make(onTestFinished)
    const daemon = await home.daemon()
    const stuck = await HttpSocket.begun(daemon, '/v1/calls/authorize', authorize('nobody', 'never-sent'))
    const signalledMs = performance.now()
    expect(await daemon.stop()).toBe(0)
    expect(performance.now() - signalledMs).toBeLessThan(5_000)
    expect(await home.redisPids()).toEqual([])
    await stuck.ends()
  })

  it('does not wait for an edge that never says which calls it has', async ({ onTestFinished }) => {
    const silent = createServer((_request, _response) => undefined)
    const asked = new Promise((resolve) => silent.once('request', resolve))
    const port = await freePort()
    await new Promise<void>((resolve) => silent.listen(port, '127.0.0.1', resolve))
    onTestFinished(() => {
      silent.closeAllConnections()
      silent.close()
    })
    const home = await Home.make(onTestFinished, {
      'tollgate.yaml': [
        'defaults: { tariff: bench, currency: USD }',
        `edges: { kam1: { kind: kamailio, rpcUrl: 'http://127.0.0.1:${port}/RPC', listSeconds: 5 } }`,
        '',
      ].join('\n'),
    })
    const daemon = await home.daemon()
    await asked
    const signalledMs = performance.now()
    expect(await daemon.stop()).toBe(0)
    expect(performance.now() - signalledMs).toBeLessThan(5_000)
    expect(await home.redisPids()).toEqual([])
  })

  it('ends a daemon whose Redis is away', async ({ onTestFinished }) => {
    const home = await Home.make(onTestFinished)
    const daemon = await home.daemon()
    const [redis = 0] = await home.redisPids()
    process.kill(redis, 'SIGSTOP')
    const signalledMs = performance.now()
    expect(await daemon.stop()).toBe(0)
    expect(performance.now() - signalledMs).toBeLessThan(6_500)
  })
})
