/** What a call costs Redis before the called side hears of it. */
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { SipBench } from './drachtio-bench.ts'

it('an INVITE goes on to the called side after one visit to Redis', { timeout: 60_000 }, async ({ onTestFinished }) => {
  const bench = await SipBench.start(onTestFinished)
  const payer = await bench.account('visitor', { credit: '100.00' })
  // So that this worker knows the account.
  await bench.talk(payer, { scenario: 'uas-answers' }, { scenario: 'uac-hangs-up', talkMs: 200 })
  const client = new Redis(`${bench.home.redisFolder}/redis.sock`)
  const monitor = await client.monitor()
  onTestFinished(() => {
    monitor.disconnect()
    client.disconnect()
  })
  const visits: { readonly atMs: number; readonly command: string }[] = []
  monitor.on('monitor', (seconds: string, [command = '', ...args]: string[], source: string) => {
    const isOfCall = source !== 'lua' && args.some((arg) => arg.includes(payer.id))
    if (isOfCall) visits.push({ atMs: Number(seconds) * 1_000, command: command.toLowerCase() })
  })
  const RINGS_MS = 1_500
  await bench.talk(payer, { scenario: 'uas-rings' }, { scenario: 'uac-cancels', talkMs: RINGS_MS })
  await pause(200)
  const firstMs = visits[0]?.atMs ?? 0
  // It rang until it was cancelled, which is the next that Redis hears of it.
  expect(visits.filter(({ atMs }) => atMs < firstMs + RINGS_MS - 300)).toMatchObject([{ command: 'evalsha' }])
  expect(visits.length).toBeGreaterThan(1)
})
