/** Money comes in while a call is up: the threshold is crossed, the card charged once, and the call goes on (E6). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../edges/sip/process.ts'
import type { Daemon } from './bench.ts'
import { twoDaemons } from './pair.ts'

const ends: (() => Promise<void>)[] = []
let one: Daemon
let other: Daemon

beforeAll(async () => {
  ;[one, other] = await twoDaemons((end) => ends.unshift(end))
}, 60_000)

afterAll(async () => {
  for (const end of ends) await end()
}, 30_000)

interface Listed {
  readonly kind: string
  readonly state: string
  readonly amount: string
}

async function payments(account: string): Promise<readonly Listed[]> {
  return (await one.must('GET', `/v1/accounts/${account}/payments`))['items'] as readonly Listed[]
}

async function withCard(account: string, token: string, maxFailures = 3): Promise<void> {
  const recharge = { enabled: true, threshold: '20.00', amount: '100.00', maxFailures }
  await one.account(account, { credit: '70.00' })
  await one.must('POST', `/v1/accounts/${account}/payment-methods`, { token })
  // Last: an account without credit or a card would be due at once, and paused.
  await one.must('PATCH', `/v1/accounts/${account}`, { recharge })
}

describe('a recharge in mid call', () => {
  it('is charged once and lets the call go on, also when the answer of the card is lost', async () => {
    for (const token of ['tok_success', 'tok_timeout', 'tok_webhook_twice']) {
      const account = token.replaceAll('_', '-')
      await withCard(account, token)
      await one.authorize(account, account, { mode: 'edge' })
      await other.event('start', account)
      await until('the money is there', async () => (await one.balance(account)).credit === '170.000000', {
        withinMs: 20_000,
      })
      const extended = await other.must('POST', '/v1/calls/extend', { callId: account, usedSeconds: 60 })
      expect(extended).toMatchObject({ allow: true, maxDurationSeconds: 120, final: false })
      await one.event('stop', account, { seconds: 100 })
      expect(await one.balance(account)).toMatchObject({ credit: '70.000000', reserved: '0.000000' })
      expect(await payments(account)).toMatchObject([{ kind: 'recharge', state: 'succeeded', amount: '100.000000' }])
    }
  }, 60_000)

  it('that the card declines is paused, and the call ends with its money', async () => {
    await withCard('declined', 'tok_decline', 1)
    await one.authorize('declined', 'declined', { mode: 'edge' })
    await one.event('start', 'declined')
    const paused = async (): Promise<unknown> => (await one.must('GET', '/v1/accounts/declined/recharge'))['paused']
    await until('it is paused', async () => (await paused()) === 'failures')
    const extended = await other.must('POST', '/v1/calls/extend', { callId: 'declined', usedSeconds: 60 })
    expect(extended).toMatchObject({ allow: true, maxDurationSeconds: 70, final: true })
    await one.event('stop', 'declined', { seconds: 70 })
    expect(await payments('declined')).toMatchObject([{ state: 'failed' }])
  })

  it('leaves books that agree with the journal and with the provider', async () => {
    expect(await one.must('POST', '/v1/audit/verify', {})).toMatchObject({ ok: true })
    const report = await other.must('POST', '/v1/payments/reconcile', {})
    const sums = [{ currency: 'USD', charged: '300.000000', credited: '300.000000' }]
    expect(report).toMatchObject({ sums, disagreements: [] })
  })
})
