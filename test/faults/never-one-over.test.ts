/** Two daemons share one hot account at full rate: at no instant is it seen with one call more than its trunk has room for. */
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Home } from '../app/bench.ts'
import { Edge } from '../app/edge.ts'
import { startRedis } from '../support/redis.ts'

const ROOM = 5
const SAMPLES = 60

describe('two daemons that share one hot account', { timeout: 60_000 }, () => {
  it('never have one call over its trunk, whenever it is looked at', async ({ onTestFinished }) => {
    const redis = await startRedis({ appendOnly: true })
    onTestFinished(() => redis.stop())
    const homes = [await Home.make(onTestFinished), await Home.make(onTestFinished)] as const
    const one = await homes[0].daemon({ redisUrl: redis.url })
    const other = await homes[1].daemon({ redisUrl: redis.url })
    const trunks = { inbound: 0, outbound: ROOM, twoWay: 0 }
    const account = await one.account('hot', { trunks })

    let turn = 0
    const next = () => ((turn += 1) % 2 === 0 ? one : other)
    const edge = new Edge({ account, daemon: next, parallel: 4 * ROOM })
    const used: number[] = []
    for (let sample = 0; sample < SAMPLES; sample += 1) {
      used.push((await next().balance(account)).trunks.outbound.used)
      await pause(50)
    }
    await edge.stop()

    expect(edge.broken).toEqual([])
    expect(Math.max(...used)).toBe(ROOM)
    expect([...edge.denied.keys()]).toEqual(['trunk_limit 486'])
    await one.heldNothing(account)
    const paid = (await other.cdrs(account)).filter(({ seconds }) => seconds > 0).map(({ callId }) => callId)
    expect(paid.toSorted()).toEqual([...edge.allowed.keys()].toSorted())
    expect(await other.drifts()).toEqual([])
  })
})
