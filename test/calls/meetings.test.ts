/** What meets in the middle of a request: another daemon, or the same one, does something between two visits to the store. */
import { describe, expect, it } from 'vitest'
import type { CallDesk } from '../../src/calls/desk.ts'
import { Fault } from '../../src/base/fault.ts'
import { overheardLedger } from '../ledger/overheard-ledger.ts'
import { allowed, codeOf, usd } from '../support/a-call.ts'
import { twoForms, useWorld } from '../support/desk.ts'

describe.each(twoForms)('a request that is met, on $name', (form) => {
  const world = useWorld(form)

  /** A daemon for which something is done once, before its nth use of a method. */
  function met(method: string, work: () => Promise<unknown>, nth = 1): CallDesk {
    let uses = 0
    const before = async (used: string): Promise<void> => {
      uses += used === method ? 1 : 0
      if (used === method && uses === nth) await work()
    }
    return world.daemon({ ledger: overheardLedger(world.ledger(), { before }) })
  }

  it('is answered alike, though a start came before its answer was set right', async () => {
    await world.account('acme', { credit: usd('0.3') })
    const call = world.call('c1')
    const desk = met('mark', () => call.start())
    const answer = allowed(await call.authorize({}, desk))
    expect(answer.maxDurationSeconds).toBe(300)
    expect(await call.authorize({}, world.daemon())).toEqual(answer)
    world.clock.advance(20_000)
    await call.tell('alive', {}, desk)
    expect(await call.stop({}, desk)).toMatchObject({ state: 'ended', charge: 20_000n })
  })

  it('is answered though the call failed before its answer was set right', async () => {
    await world.account('acme', { credit: usd('0.3') })
    const call = world.call('c1')
    const desk = met('mark', () => call.tell('failed'))
    allowed(await call.authorize({}, desk))
    expect(await world.standing('acme')).toMatchObject({ reserved: 0n, calls: 0 })
    expect(codeOf(await call.authorize({}, desk))).toBe('gone')
    expect(await call.tell('failed', {}, desk)).toMatchObject({ state: 'failed', ignored: true })
  })

  it('is granted what is left when another took the rest in between', async () => {
    await world.account('acme', { credit: usd('0.1') })
    const desk = met('reserve', async () => allowed(await world.call('c2').authorize()))
    expect(allowed(await world.call('c1').authorize({}, desk))).toMatchObject({ reservedSeconds: 40, final: true })
  })

  it('is refused when another took all in between', async () => {
    await world.account('acme', { credit: usd('0.06') })
    const desk = met('reserve', async () => allowed(await world.call('c2').authorize()))
    expect(codeOf(await world.call('c1').authorize({}, desk))).toBe('no_credit')
  })

  it('is refused by limits that were changed in between', async () => {
    await world.account('acme', { credit: usd('10') })
    const desk = met('reserve', () => world.office().patch('acme', { status: 'suspended' }))
    expect(codeOf(await world.call('c1').authorize({}, desk))).toBe('account_suspended')
  })

  it('is charged once when the call is presumed over between its reading and its stop', async () => {
    await world.account('acme', { credit: usd('10') })
    const call = world.call('c1')
    allowed(await call.authorize())
    await call.start()
    const desk = met('settle', async () => {
      world.clock.advance(300_000)
      await world.settleDown()
    })
    const result = await call.stop({ seconds: 30 }, desk)
    expect(result).toMatchObject({ state: 'ended', seconds: 30, charge: 30_000n })
    expect((await world.standing('acme')).credit).toBe(usd('9.97'))
    expect(await world.cdrs()).toHaveLength(2)
  })

  it('is corrected exactly when minutes go away in between', async () => {
    const pool = { name: 'a', seconds: 100, freeSeconds: 0, increment: 1 }
    await world.account('acme', { pools: [pool] })
    const call = world.call('c1')
    allowed(await call.authorize())
    await call.start()
    await world.settleDown()
    // Presumed at 60 s; 40 s are left, of which another call takes 30 just before the correction.
    const other = world.call('c2')
    const desk = met('settle', async () => {
      allowed(await other.authorize())
      await other.start()
      await other.stop({ seconds: 30 })
    })
    await call.stop({ seconds: 95 }, desk)
    expect((await world.standing('acme')).pools).toEqual({ a: [0, 0] })
    expect((await world.cdrs()).at(-1)).toMatchObject({ seconds: 95, overrunSeconds: 25 })
  })

  it('gives up with a fault that may be tried again when the call changes all the time', async () => {
    await world.account('acme', { credit: usd('10') })
    const call = world.call('c1')
    allowed(await call.authorize())
    await call.start()
    const before = async (method: string): Promise<void> => {
      if (method === 'mark') await call.tell('alive')
    }
    const desk = world.daemon({ ledger: overheardLedger(world.ledger(), { before }) })
    const failure = await call.tell('alive', {}, desk).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(Fault)
    expect(failure).toMatchObject({ code: 'store_overloaded', retryable: true })
  })

  it('may be sent again when its answer was lost, and changes the call once', async () => {
    await world.account('acme', { credit: usd('10') })
    const call = world.call('c1')
    const lost = (method: string): CallDesk => {
      let uses = 0
      const after = (used: string): void => {
        uses += used === method ? 1 : 0
        if (used === method && uses === 1) throw new Fault('store_timeout', 'no answer', { retryable: true })
      }
      return world.daemon({ ledger: overheardLedger(world.ledger(), { after }) })
    }
    const again = async <T>(desk: CallDesk, ask: (desk: CallDesk) => Promise<T>): Promise<T> => {
      await expect(ask(desk)).rejects.toMatchObject({ code: 'store_timeout' })
      return ask(desk)
    }
    expect(allowed(await again(lost('reserve'), (desk) => call.authorize({}, desk))).reservedSeconds).toBe(60)
    expect(await again(lost('mark'), (desk) => call.start({}, desk))).toMatchObject({ state: 'answered' })
    world.clock.advance(40_000)
    const extend = (desk: CallDesk) => desk.extend({ leg: call.said.leg, usedSeconds: 40 })
    expect(await again(lost('reserve'), extend)).toMatchObject({ maxDurationSeconds: 100 })
    expect(await world.standing('acme')).toMatchObject({ reserved: usd('0.1'), calls: 1 })
    expect(await again(lost('settle'), (desk) => call.stop({}, desk))).toMatchObject({ ignored: true, charge: 40_000n })
    expect((await world.standing('acme')).credit).toBe(usd('9.96'))
  })

  it('goes on with the other partitions when one cannot be asked', async () => {
    await world.account('acme', { credit: usd('10') })
    await world.account('far', { credit: usd('10') })
    const calls = [world.call('c1'), world.call('c2', { account: 'far' })]
    for (const call of calls) {
      allowed(await call.authorize())
      await call.start()
    }
    const dead = (await calls[0]?.record())?.partition
    const before = (method: string, argument: unknown): void => {
      const isDead = method === 'claimDue' && (argument as { partition: number }).partition === dead
      if (isDead) throw new Fault('store_unavailable', 'the master is away', { retryable: true })
    }
    const daemon = world.daemon({ ledger: overheardLedger(world.ledger(), { before }) })
    world.clock.advance(50_000)
    await expect(daemon.clockwork.tick()).rejects.toMatchObject({ code: 'store_unavailable' })
    const granted = await Promise.all(calls.map(async (call) => (await call.record())?.grantedSeconds))
    expect(granted).toEqual([60, 120])
  })
})
