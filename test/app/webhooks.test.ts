/** From what happens to an account to those who are told, by daemons that are killed on the way. */
import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { until } from '../edges/sip/process.ts'
import { isSignedBy, Receiver } from '../webhooks/receiver.ts'
import { type AtEnd, type Daemon, Home } from './bench.ts'

const env = { TOLLGATE__WEBHOOKS__ALLOW_PRIVATE: 'true' }

/** A low balance, once for each account. */
async function runLow(daemon: Daemon, account: string): Promise<void> {
  await daemon.account(account, { credit: '10.00' })
  await daemon.must('PATCH', `/v1/accounts/${account}`, { lowBalance: { threshold: '5.00' } })
  await daemon.must('POST', `/v1/accounts/${account}/debits`, { amount: '6.00', kind: 'adjustment' })
}

function accountsOf(receiver: Receiver): readonly string[] {
  return [...new Set(receiver.received.map(({ body }) => String(body.data['account'])))].toSorted()
}

/** Text of a stream of events as it comes. */
async function listen(
  daemon: Pick<Daemon, 'url' | 'key'>,
  query: string,
  { atEnd, lastEventId }: { readonly atEnd: AtEnd; readonly lastEventId?: string },
): Promise<{ text: () => string; ended: Promise<unknown> }> {
  let text = ''
  const authorization = `Bearer ${daemon.key}`
  const headers = { authorization, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) }
  const { promise, resolve, reject } = Promise.withResolvers<{ text: () => string; ended: Promise<unknown> }>()
  const asked = request(`${daemon.url}/v1/events${query}`, { headers }, (response) => {
    response.setEncoding('utf8')
    response.on('data', (part: string) => (text += part))
    const ended = new Promise((over) => response.on('close', over))
    if (response.statusCode === 200) resolve({ text: () => text, ended })
    else reject(new Error(`answered ${response.statusCode}`))
  })
  asked.on('error', reject)
  asked.end()
  atEnd(async () => Promise.resolve(void asked.destroy()))
  return promise
}

function idsIn(text: string): readonly string[] {
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, json = '']) => (JSON.parse(json) as { readonly id: string }).id)
}

describe('events', { timeout: 120_000 }, () => {
  it('are told by webhook and by stream, with the ends of calls, and the stream goes on from where it was', async ({
    onTestFinished,
  }) => {
    const home = await Home.make(onTestFinished)
    const daemon = await home.daemon({ env })
    const receiver = await Receiver.open()
    const made = await daemon.must('POST', '/v1/webhooks', { url: receiver.url })
    const stream = await listen(daemon, '?types=balance.low', { atEnd: onTestFinished })
    await runLow(daemon, 'caller')
    await until('the webhook arrives', () => receiver.received.length === 1, { withinMs: 30_000 })
    const [low] = receiver.received
    expect(low && isSignedBy(String(made['secret']), low)).toBe(true)
    expect(low?.body).toMatchObject({ type: 'balance.low', data: { account: 'caller', available: '4.000000' } })
    await until('the stream tells it', () => idsIn(stream.text()).length === 1, { withinMs: 30_000 })
    expect(idsIn(stream.text())).toEqual([low?.id])
    const [, cursor = ''] = /id: (\d+-\d+)\nevent: balance\.low/.exec(stream.text()) ?? []

    await daemon.authorize('caller', 'call-1')
    await daemon.event('start', 'call-1')
    await daemon.event('stop', 'call-1', { seconds: 3 })
    const ended = () => receiver.received.filter(({ body }) => body.type === 'call.ended')
    await until('the end of the call is told', () => ended().length === 1, { withinMs: 30_000 })
    expect(ended()[0]?.body.data).toMatchObject({ account: 'caller', callId: 'call-1', seconds: 3, charge: '3.000000' })

    await runLow(daemon, 'other')
    const again = await listen(daemon, '', { atEnd: onTestFinished, lastEventId: cursor })
    await until('what was missed comes', () => again.text().includes('"account":"other"'), { withinMs: 30_000 })
    expect(idsIn(again.text())).not.toContain(low?.id)
    expect(await daemon.metrics()).toMatch(/tollgate_jobs_total\{queue="webhooks",result="done"\} \d/)

    const over = await daemon.stop()
    expect(over).toBe(0)
    await Promise.all([stream.ended, again.ended])
  })

  it('are lost by no kill -9 of a daemon that relays or delivers, and told with one id each', async ({
    onTestFinished,
  }) => {
    const home = await Home.make(onTestFinished)
    let daemon = await home.daemon({ env })
    const receiver = await Receiver.open()
    await daemon.must('POST', '/v1/webhooks', { url: receiver.url, types: ['balance.low'] })
    const accounts: string[] = []
    const KILLS = 4
    for (let kill = 0; kill < KILLS; kill += 1) {
      const names = Array.from({ length: 12 }, (_, index) => `acct-${kill}-${index}`)
      accounts.push(...names)
      const doomed = daemon
      // The daemon dies as soon as one of these deliveries has come, the others being anywhere on their way.
      const first = receiver.received.length
      await Promise.all(names.map((name) => runLow(doomed, name)))
      if (kill > 0) await until('one arrives', () => receiver.received.length > first, { withinMs: 60_000, everyMs: 1 })
      await doomed.kill()
      daemon = await home.daemon({ env })
    }
    await until('all are told', () => accountsOf(receiver).length === accounts.length, {
      withinMs: 100_000,
      everyMs: 100,
      explain: () => `${accountsOf(receiver).length} of ${accounts.length}\n${daemon.output.slice(-3_000)}`,
    })
    expect(accountsOf(receiver)).toEqual(accounts.toSorted())
    const byAccount = new Map(receiver.received.map(({ id, body }) => [id, body.data['account']]))
    expect(byAccount.size).toBe(accounts.length)
    expect((await daemon.must('GET', '/v1/jobs'))['items']).toEqual([])
  })

  it('of which the stream is refused to keys that may not, and to more clients than may', async ({
    onTestFinished,
  }) => {
    const home = await Home.make(onTestFinished)
    const daemon = await home.daemon({ env: { TOLLGATE__EVENTS__STREAMS: '1' } })
    await daemon.account('mine')
    await daemon.account('theirs')
    const { key } = await daemon.must('POST', '/v1/keys', { scopes: ['events:read'], account: 'mine' })
    const ask = (query: string) => daemon.ask('GET', `/v1/events${query}`, { key: String(key) })
    expect((await ask('?account=theirs')).body).toMatchObject({ code: 'account_unknown' })
    const stream = await listen({ url: daemon.url, key: String(key) }, '', {
      atEnd: onTestFinished,
    })
    expect((await ask('')).body).toMatchObject({ status: 503, code: 'too_many_streams' })
    await runLow(daemon, 'theirs')
    await runLow(daemon, 'mine')
    await until('its own is told', () => idsIn(stream.text()).length > 0, { withinMs: 30_000 })
    expect(stream.text()).not.toContain('theirs')
  })
})
