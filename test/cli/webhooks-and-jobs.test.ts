import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { problem, Stub } from './stub.ts'

let stub: Stub

beforeEach(async () => {
  stub = new Stub()
  await stub.open()
})

afterEach(() => stub.close())

const webhook = {
  id: 'a1b2',
  url: 'https://example.com/hook',
  types: ['balance.low'],
  account: 'acme',
  createdAt: '2026-11-23T12:00:00.000Z',
  secrets: 1,
}

describe('webhooks', () => {
  it('are made, and their secret is shown once', async () => {
    stub.on('POST /v1/webhooks', { status: 201, body: { ...webhook, secret: 'whsec_bmV3' } })
    const made = await stub.run(
      ...['webhook', 'add', 'https://example.com/hook', '--types', 'balance.low,call.ended'],
      ...['--account', 'acme', '--description', 'billing'],
    )
    expect(stub.asked.at(-1)?.body).toEqual({
      url: 'https://example.com/hook',
      types: ['balance.low', 'call.ended'],
      account: 'acme',
      description: 'billing',
    })
    expect(made.out).toMatch(/secret +whsec_bmV3/)
    expect(made.err).toContain('not shown again')
    expect(await stub.run('webhook', 'add')).toMatchObject({ code: 2 })
  })

  it('are listed, disabled, enabled and taken away', async () => {
    const disabled = { reason: 'failing', at: '2026-11-24T12:00:00.000Z' }
    stub.on('GET /v1/webhooks', { body: { items: [webhook, { ...webhook, id: 'c3', types: [], disabled }] } })
    const listed = (await stub.run('webhook', 'list')).out
    expect(listed).toMatch(/a1b2 .*balance\.low .*acme/)
    expect(listed).toMatch(/c3 .* all .*failing/)
    stub.on('PATCH /v1/webhooks/a1b2', { body: { ...webhook, disabled } })
    expect((await stub.run('webhook', 'disable', 'a1b2')).out).toBe('Disabled a1b2.\n')
    expect(stub.asked.at(-1)?.body).toEqual({ disabled: true })
    stub.on('PATCH /v1/webhooks/a1b2', { body: webhook })
    expect((await stub.run('webhook', 'enable', 'a1b2')).out).toBe('Enabled a1b2.\n')
    expect(stub.asked.at(-1)?.body).toEqual({ disabled: false })
    stub.on('DELETE /v1/webhooks/a1b2', { body: { id: 'a1b2', removed: true } })
    expect((await stub.run('webhook', 'remove', 'a1b2')).out).toBe('Removed a1b2.\n')
  })

  it('get another secret', async () => {
    stub.on('POST /v1/webhooks/a1b2/rotate', { body: { ...webhook, secrets: 2, secret: 'whsec_b3RoZXI=' } })
    expect((await stub.run('webhook', 'rotate', 'a1b2', '--old-seconds', '60')).out).toContain('whsec_b3RoZXI=')
    expect(stub.asked.at(-1)?.body).toEqual({ oldSeconds: 60 })
    expect(await stub.run('webhook', 'rotate', 'a1b2', '--old-seconds', '-1')).toMatchObject({ code: 2 })
  })

  it.each([
    [{ delivered: true, status: 204, tookMs: 7 }, 0, 'Delivered: it answered 204 after 7 ms.\n'],
    [{ delivered: false, status: 500, tookMs: 7 }, 1, 'Not delivered: it answered 500 after 7 ms.\n'],
    [
      { delivered: false, why: 'did not answer in time', tookMs: 7 },
      1,
      'Not delivered: it failed: did not answer in time after 7 ms.\n',
    ],
  ])('are tested: %j', async (body, code, out) => {
    stub.on('POST /v1/webhooks/a1b2/test', { body })
    expect(await stub.run('webhook', 'test', 'a1b2')).toMatchObject({ code, out })
  })

  it('show what was delivered, and deliver again', async () => {
    const delivery = { event: '3-17-0', type: 'balance.low', at: '2026-11-23T12:00:00.000Z', attempt: 2, tookMs: 7 }
    stub.on('GET /v1/webhooks/a1b2/deliveries?limit=20', {
      body: { items: [{ ...delivery, outcome: 'failed', status: 500 }] },
    })
    expect((await stub.run('webhook', 'deliveries', 'a1b2')).out).toMatch(/3-17-0 .*balance\.low .*2 .*failed .*500/)
    stub.on('POST /v1/webhooks/a1b2/replay', { status: 202, body: { events: 3 } })
    const replayed = await stub.run('webhook', 'replay', 'a1b2', '--since', '2026-11-23T12:00:00Z')
    expect(replayed.out).toBe('3 events are on their way.\n')
    expect(stub.asked.at(-1)?.body).toEqual({ since: '2026-11-23T12:00:00Z' })
    expect(await stub.run('webhook', 'replay', 'a1b2')).toMatchObject({ code: 2 })
    expect(await stub.run('webhook', 'replay', 'a1b2', '--since', 'yesterday')).toMatchObject({ code: 2 })
  })

  it('that are not there end with 1', async () => {
    stub.on('DELETE /v1/webhooks/a1b2', problem(404, 'webhook_unknown', 'there is no webhook "a1b2"'))
    expect(await stub.run('webhook', 'remove', 'a1b2')).toMatchObject({ code: 1 })
  })
})

describe('jobs', () => {
  const job = {
    queue: 'webhooks',
    id: 'a1b2-3-17-0',
    state: 'dead',
    attempts: 11,
    addedAt: '2026-11-23T12:00:00.000Z',
    endedAt: '2026-11-26T12:00:00.000Z',
    reason: 'it answered 500',
    about: { type: 'balance.low', account: 'acme' },
  }

  it('that failed for good are listed', async () => {
    stub.on('GET /v1/jobs?state=dead&limit=50', { body: { items: [job] } })
    expect((await stub.run('jobs', 'list')).out).toMatch(
      /webhooks .*a1b2-3-17-0 .*11 .*balance\.low acme .*it answered 500/,
    )
    stub.on('GET /v1/jobs?state=delayed&queue=webhooks&limit=50', { body: { items: [] } })
    expect((await stub.run('jobs', 'list', '--state', 'delayed', '--queue', 'webhooks')).out).toBe(
      'No jobs are delayed.\n',
    )
    expect(await stub.run('jobs', 'list', '--state', 'done')).toMatchObject({ code: 2 })
  })

  it('are tried again by id, or all of a queue', async () => {
    stub.on('POST /v1/jobs/webhooks/a%253A1/retry', { body: { retried: true } })
    expect((await stub.run('jobs', 'retry', 'webhooks', 'a%3A1')).out).toBe('1 jobs of webhooks are tried again.\n')
    stub.on('GET /v1/jobs?state=dead&queue=webhooks&limit=500', { body: { items: [job] } })
    stub.on('POST /v1/jobs/webhooks/a1b2-3-17-0/retry', { body: { retried: true } })
    const all = await stub.run('jobs', 'retry', 'webhooks', '--json')
    expect(JSON.parse(all.out)).toEqual({ queue: 'webhooks', retried: ['a1b2-3-17-0'] })
  })
})
