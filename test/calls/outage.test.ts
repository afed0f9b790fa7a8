import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fault, type FaultCode } from '../../src/base/fault.ts'
import type { CallDesk } from '../../src/calls/desk.ts'
import { OutageDesk, type OutageHappening } from '../../src/calls/outage.ts'
import type { CallParts, Decision } from '../../src/calls/parts.ts'
import type { AuthorizeRequest, CallEvent } from '../../src/calls/requests.ts'
import type { CallSpool, SpooledCall } from '../../src/calls/spooled-call.ts'
import { type FileSpool, openSpool } from '../../src/store/spool.ts'
import { allowed, codeOf, legOf, request, usd, words } from '../support/a-call.ts'
import { forms, useWorld, type World } from '../support/desk.ts'

const [model] = forms
if (!model) throw new Error('no model')

/** A daemon whose store can go away, with a spool on a real disk. */
class Daemon {
  away: FaultCode | undefined
  /** It has not seen the accounts before. */
  remembersAccounts = true
  defaults = { onEngineError: 'deny', engineErrorSeconds: 60, engineErrorCalls: 5, currency: 'USD' } as const
  readonly happenings: OutageHappening[] = []
  readonly decisions: Decision[] = []
  readonly faults: string[] = []
  waiting = 0
  desk: OutageDesk
  readonly #world: World
  readonly #spool: CallSpool

  constructor(world: World, spool: CallSpool) {
    this.#world = world
    this.#spool = spool
    this.desk = this.restarted()
  }

  /** As after kill -9: only what is on disk is known. */
  restarted(): OutageDesk {
    const parts = this.#parts()
    const inner = this.#world.daemon()
    this.desk = new OutageDesk(parts, {
      desk: this.#guarded(inner),
      spool: this.#spool,
      defaults: () => this.defaults,
      observer: {
        decided: (decision) => this.decisions.push(decision),
        storeFailed: ({ code }) => this.faults.push(code),
        waiting: (calls) => {
          this.waiting = calls
        },
        happened: (what) => this.happenings.push(what),
      },
    })
    return this.desk
  }

  #parts(): CallParts {
    const parts = this.#world.parts()
    const chainOf: CallParts['accounts']['chainOf'] = async (account) => {
      if (!this.remembersAccounts) this.#check()
      return parts.accounts.chainOf(account)
    }
    const ledger: CallParts['ledger'] = Object.create(parts.ledger, {
      findLeg: { value: async (leg: AuthorizeRequest['leg']) => (this.#check(), parts.ledger.findLeg(leg)) },
      readCall: { value: (ref: Parameters<CallParts['ledger']['readCall']>[0]) => parts.ledger.readCall(ref) },
    }) as CallParts['ledger']
    return { ...parts, ledger, accounts: { ...parts.accounts, chainOf } }
  }

  #guarded(desk: CallDesk): Pick<CallDesk, 'authorize' | 'extend' | 'event'> {
    return {
      authorize: async (asked) => (isEmergency(asked) || this.#check(), desk.authorize(asked)),
      extend: async (asked) => (this.#check(), desk.extend(asked)),
      event: async (event) => (this.#check(), desk.event(event)),
    }
  }

  #check(): void {
    if (this.away) throw new Fault(this.away, 'the store is away', { retryable: this.away !== 'store_unfit' })
  }
}

function isEmergency({ to }: AuthorizeRequest): boolean {
  return to === '911'
}

describe('while the store is away', () => {
  const world = useWorld(model)
  let dataDir = ''
  let spool: FileSpool
  let daemon: Daemon

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'tg-outage-'))
    spool = await openSpool({ dataDir, log: { error: () => undefined }, deadlineMs: 10_000 })
    daemon = new Daemon(world, spool)
  })

  afterEach(async () => {
    await spool.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  async function account(id = 'acme', policy: 'deny' | 'allowCapped' = 'allowCapped'): Promise<void> {
    await world.account(id, { credit: usd('10'), onEngineError: policy, engineErrorSeconds: 30, engineErrorCalls: 2 })
    daemon.away = 'store_unavailable'
  }

  const ask = (callId: string, changes: Partial<AuthorizeRequest> = {}) =>
    daemon.desk.authorize(request(words(callId), changes))

  /** Edges that say no more than they must. */
  const tell = (callId: string, event: Partial<CallEvent> & Pick<CallEvent, 'type'>) =>
    daemon.desk.event({ leg: legOf(callId), ...event })

  describe('a call', () => {
    it('of an account that says deny is denied', async () => {
      await account('acme', 'deny')
      const answer = await ask('c1')
      expect(codeOf(answer)).toBe('engine_unavailable')
      expect(spool.size).toBe(0)
      expect(daemon.decisions).toMatchObject([{ operation: 'authorize', account: 'acme', code: 'engine_unavailable' }])
      expect(daemon.faults).toEqual(['store_unavailable'])
    })

    it('of an account that says allowCapped is allowed for its cap, and is on disk', async () => {
      await account()
      const answer = allowed(await ask('c1'))
      expect(answer).toMatchObject({
        account: 'acme',
        currency: 'USD',
        maxDurationSeconds: 30,
        reservedSeconds: 30,
        reserved: 0n,
        final: true,
      })
      expect(spool.all()).toMatchObject([{ account: 'acme', to: '+442079460958', capSeconds: 30, call: answer.call }])
      expect(daemon.happenings).toEqual(['allowed'])
      expect(daemon.waiting).toBe(1)
      expect(daemon.decisions).toMatchObject([{ account: 'acme', code: 'ok' }])
    })

    it.each(['store_unavailable', 'store_timeout', 'store_overloaded'] as const)(
      'meets its policy at %s',
      async (code) => {
        await account()
        daemon.away = code
        expect(codeOf(await ask('c1'))).toBe('ok')
      },
    )

    it('meets no policy when the store is there and unfit: that is nothing that passes', async () => {
      await account()
      daemon.away = 'store_unfit'
      await expect(ask('c1')).rejects.toMatchObject({ code: 'store_unfit' })
    })

    it('is denied beyond so many at once, also when they are asked for together', async () => {
      await account()
      const codes = (await Promise.all(['c1', 'c2', 'c3', 'c4'].map((callId) => ask(callId)))).map(codeOf)
      expect(codes.sort()).toEqual(['engine_unavailable', 'engine_unavailable', 'ok', 'ok'])
      expect(spool.size).toBe(2)
    })

    it('leaves the places of other accounts alone', async () => {
      await account()
      await world.account('other', { onEngineError: 'allowCapped', engineErrorCalls: 1 })
      await ask('c1')
      await ask('c2')
      expect(codeOf(await ask('c3', { account: 'other' }))).toBe('ok')
      expect(codeOf(await ask('c4', { account: 'other' }))).toBe('engine_unavailable')
    })

    it('gives its place back when its edge says that it is over, though nobody can book that', async () => {
      await account()
      await ask('c1')
      await ask('c2')
      await expect(tell('c1', { type: 'stop', seconds: 12 })).rejects.toMatchObject({ code: 'store_unavailable' })
      expect(codeOf(await ask('c3'))).toBe('ok')
      expect(codeOf(await ask('c4'))).toBe('engine_unavailable')
      expect(spool.size).toBe(3)
    })

    it('gives its place back when it can no longer be up', async () => {
      await account()
      await ask('c1')
      await ask('c2')
      world.clock.advance((180 + 30) * 1000)
      await daemon.desk.settleSilent()
      expect(codeOf(await ask('c3'))).toBe('ok')
      expect(spool.size).toBe(3)
    })

    it('asked for again has the same answer, also when the store is back', async () => {
      await account()
      const first = await ask('c1')
      world.clock.advance(1_000)
      expect(await ask('c1')).toEqual(first)
      daemon.away = undefined
      expect(await ask('c1')).toEqual(first)
      expect(codeOf(await ask('c1', { to: '+442079460959' }))).toBe('conflict')
      expect(await world.call('c1').record()).toBeUndefined()
    })

    it('asked for twice at once is one', async () => {
      await account()
      const answers = await Promise.all([ask('c1'), ask('c1')])
      expect(answers[0]).toEqual(answers[1])
      expect(spool.size).toBe(1)
    })

    it('that has ended is not begun again', async () => {
      await account()
      await ask('c1')
      await expect(tell('c1', { type: 'failed' })).rejects.toThrow()
      expect(codeOf(await ask('c1'))).toBe('gone')
    })

    it('of an account that is not remembered meets the default of the settings', async () => {
      await account()
      daemon.remembersAccounts = false
      expect(codeOf(await ask('c1'))).toBe('engine_unavailable')
      daemon.defaults = { ...daemon.defaults, onEngineError: 'allowCapped' as never }
      expect(allowed(await ask('c2')).maxDurationSeconds).toBe(60)
    })

    it('is denied for what is known without the store', async () => {
      await account()
      await world.account('idle', { status: 'suspended', onEngineError: 'allowCapped' })
      await world.account('careful', { blockedPrefixes: ['4420'], onEngineError: 'allowCapped' })
      expect(codeOf(await ask('c1', { account: 'idle' }))).toBe('account_suspended')
      expect(codeOf(await ask('c2', { account: 'careful' }))).toBe('destination_blocked')
      expect(codeOf(await ask('c3', { to: '+9005550123' }))).toBe('destination_blocked')
      expect(codeOf(await ask('c4', { to: '+35312345678' }))).toBe('no_rate')
      expect(codeOf(await ask('c5', { account: 'nobody' }))).toBe('engine_unavailable')
      const { account: _payer, ...nameless } = request(words('c6'))
      expect(codeOf(await daemon.desk.authorize(nameless))).toBe('account_unknown')
      expect(spool.size).toBe(0)
    })

    it('that a trunk may pay for needs no price', async () => {
      await account()
      await world.account('office', { trunks: { inbound: 0, outbound: 2, twoWay: 0 }, onEngineError: 'allowCapped' })
      expect(codeOf(await ask('c1', { account: 'office', to: '+35312345678' }))).toBe('ok')
    })

    it('to an emergency number is connected and not counted', async () => {
      await account('acme', 'deny')
      expect(allowed(await ask('c1', { to: '911' }))).toMatchObject({ fundedBy: 'free', maxDurationSeconds: 14_400 })
      expect(spool.size).toBe(0)
    })

    it('that cannot be kept on disk is denied', async () => {
      await account()
      await spool.close()
      expect(codeOf(await ask('c1'))).toBe('engine_unavailable')
      expect(daemon.happenings).toEqual(['not_kept'])
      expect(spool.size).toBe(0)
    })

    it('has no next slice: its cap is what it was given', async () => {
      await account()
      await ask('c1')
      expect(allowed(await daemon.desk.extend({ leg: legOf('c1') }))).toMatchObject({
        maxDurationSeconds: 30,
        final: true,
      })
      await expect(daemon.desk.extend({ leg: legOf('c2') })).rejects.toMatchObject({ code: 'store_unavailable' })
    })
  })

  describe('and is back', () => {
    it('a bare stop of such a call is rated with what only the spool knew', async () => {
      await account()
      await ask('c1')
      daemon.away = undefined
      world.clock.advance(40_000)
      const result = await tell('c1', { type: 'stop', seconds: 25 })
      expect(result).toMatchObject({ state: 'ended', seconds: 25, charge: 25_000n })
      expect(await world.standing('acme')).toMatchObject({ credit: usd('9.975'), reserved: 0n, calls: 0 })
      expect(await world.cdrs('acme')).toMatchObject([{ to: '+442079460958', seconds: 25, flags: ['failopen'] }])
      expect(spool.size).toBe(0)
      expect(daemon).toMatchObject({ waiting: 0, happenings: ['allowed', 'heard_of'] })
    })

    it('a start makes it a call as any other', async () => {
      await account()
      await ask('c1')
      daemon.away = undefined
      expect(await tell('c1', { type: 'start', answeredAtMs: world.nowMs })).toMatchObject({ state: 'answered' })
      expect(spool.size).toBe(0)
      expect((await world.standing('acme')).calls).toBe(1)
      world.clock.advance(20_000)
      expect(await tell('c1', { type: 'stop', endedAtMs: world.nowMs })).toMatchObject({ seconds: 20, charge: 20_000n })
    })

    it('a failed one is dropped and costs nothing', async () => {
      await account()
      await ask('c1')
      daemon.away = undefined
      expect(await tell('c1', { type: 'failed', cause: 'busy' })).toMatchObject({ state: 'failed' })
      expect(spool.size).toBe(0)
      expect((await world.standing('acme')).credit).toBe(usd('10'))
    })

    it('an event that the edge repeats is charged once', async () => {
      await account()
      await ask('c1')
      await expect(tell('c1', { type: 'stop', seconds: 25 })).rejects.toThrow()
      daemon.away = undefined
      await tell('c1', { type: 'stop', seconds: 25 })
      expect(await tell('c1', { type: 'stop', seconds: 25 })).toMatchObject({ ignored: true })
      expect(await world.cdrs('acme')).toHaveLength(1)
    })

    it('the account of the spool pays, whatever the event says', async () => {
      await account()
      await world.account('other', { credit: usd('10') })
      await ask('c1')
      daemon.away = undefined
      await tell('c1', { type: 'stop', seconds: 25, account: 'other', to: '+442079460958' })
      expect((await world.standing('other')).credit).toBe(usd('10'))
      expect((await world.standing('acme')).credit).toBe(usd('9.975'))
    })

    it('one that nothing is heard of is booked at its cap, after edges had time to repeat', async () => {
      await account()
      await ask('c1')
      world.clock.advance(3_600_000)
      await expect(daemon.desk.settleSilent()).rejects.toMatchObject({ code: 'store_unavailable' })
      daemon.away = undefined
      world.clock.advance(119_000)
      await daemon.desk.settleSilent()
      expect(spool.size).toBe(1)
      world.clock.advance(2_000)
      await daemon.desk.settleSilent()
      expect(spool.size).toBe(0)
      const [cdr] = await world.cdrs('acme')
      expect(cdr).toMatchObject({ seconds: 30, charge: '0.030000' })
      expect(cdr?.cause).toMatch(/presumed/)
      expect(daemon.happenings).toEqual(['allowed', 'settled'])
      await daemon.desk.settleSilent()
      expect(await world.cdrs('acme')).toHaveLength(1)
    })

    it('one whose allow only was lost on the way is what the books say it is', async () => {
      await account()
      daemon.away = undefined
      const call = world.call('c1')
      await call.authorize()
      daemon.away = 'store_timeout'
      await ask('c1')
      daemon.away = undefined
      await call.start({}, world.desk)
      await call.stop({ endedAtMs: world.nowMs + 5_000 }, world.desk)
      world.clock.advance(3_600_000)
      await daemon.desk.settleSilent()
      expect(spool.size).toBe(0)
      expect(await world.cdrs('acme')).toMatchObject([{ seconds: 5 }])
      expect(daemon.happenings).toEqual(['allowed', 'heard_of'])
    })

    it('events of other calls pass as they are', async () => {
      await account()
      daemon.away = undefined
      expect(await tell('c9', { type: 'alive' })).toMatchObject({ state: 'unknown', ignored: true })
    })
  })

  describe('and the daemon is killed', () => {
    async function killed(): Promise<void> {
      await spool.close()
      spool = await openSpool({ dataDir, log: { error: () => undefined } })
      const { away } = daemon
      daemon = new Daemon(world, spool)
      daemon.away = away
    }

    it('the next knows the calls that were allowed, and counts them', async () => {
      await account()
      const first = await ask('c1')
      await ask('c2')
      await killed()
      expect(daemon.waiting).toBe(2)
      expect(codeOf(await ask('c3'))).toBe('engine_unavailable')
      expect(await ask('c1')).toEqual(first)
      daemon.away = undefined
      expect(await tell('c1', { type: 'stop', seconds: 10 })).toMatchObject({ charge: 10_000n })
    })

    it('the next gives edges time before it presumes an end', async () => {
      await account()
      await ask('c1')
      world.clock.advance(3_600_000)
      await killed()
      daemon.away = undefined
      await daemon.desk.settleSilent()
      expect(spool.size).toBe(1)
      world.clock.advance(120_000)
      await daemon.desk.settleSilent()
      expect(spool.all()).toEqual([] satisfies SpooledCall[])
    })
  })
})
