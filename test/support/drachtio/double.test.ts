/** What apps and phones see of a drachtio-server, with the unmodified client and sipp at both ends: the double, or a real one. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort, until } from '../../edges/sip/process.ts'
import { talkedMs } from '../../edges/sip/sipp.ts'
import { leastSessionSeconds } from './drachtio-server.ts'
import { events, legs, noted, outcome, Stage, stops } from './stage.ts'
import { connect, dialogIdOf, forward, hangUp, type Legs } from './test-app.ts'

const SESSION_SECONDS = Math.max(2, leastSessionSeconds)
const NO_CREDIT = 'Q.850;cause=21;text="no credit"'
const OUT_OF_CREDIT = 'Q.850;cause=102;text="out of credit"'

let stage: Stage

beforeEach(async () => {
  stage = await Stage.open()
})

afterEach(async () => {
  await stage.end()
})

describe('a call that an app answers for', () => {
  it('is refused with the status and the Reason of the app', async () => {
    const refusing = await stage.app(({ res }) => {
      res.send(402, { headers: { Reason: NO_CREDIT } })
      return undefined
    })
    const notes = await stage.call('uac-refused-why')
    expect(notes).toMatchObject([{ what: 'refused', status: 402 }])
    expect(await stops(refusing, 1)).toEqual(['application call-rejected'])
    expect(events(refusing, 'cdr:start')).toEqual([])
  })

  it('is refused with 503 at once when no app is there', async () => {
    expect(await stage.call('uac-hangs-up')).toMatchObject([{ what: 'refused', status: 503 }])
  })

  it('is connected, and ended when the caller hangs up', async () => {
    const called = await stage.callee('uas-answers')
    const connecting = await stage.app((invite) => connect(invite, called.port))
    const [talked] = talkedMs(await stage.call('uac-hangs-up'))
    expect(talked).toBeGreaterThanOrEqual(190)
    await noted(called, 'bye')
    await stage.allLegsOver()
    expect(await stops(connecting, 2)).toEqual(['application normal-release', 'network normal-release'])
    expect(events(connecting, 'cdr:attempt')).toEqual(['application', 'network'])
    expect(events(connecting, 'cdr:start')).toEqual(['application uas', 'network uac'])
    expect(new Set(connecting.cdrs.map(({ callId }) => callId)).size).toBe(2)
  })

  it('is connected, and ended when the called side hangs up', async () => {
    const called = await stage.callee('uas-hangs-up', { talkMs: 200 })
    await stage.app((invite) => connect(invite, called.port))
    const [talked] = talkedMs(await stage.call('uac-waits'))
    expect(talked).toBeGreaterThanOrEqual(150)
    await noted(called, 'hungup')
    await stage.allLegsOver()
  })

  it('is ended by the app with a Reason for both sides', async () => {
    const called = await stage.callee('uas-answers-why')
    const ending = await stage.app((invite) => connect(invite, called.port))
    const caller = await stage.ring('uac-waits-why')
    const { uas, uac } = await legs(ending)
    await noted(caller, 'answered')
    await Promise.all([hangUp(uas, OUT_OF_CREDIT), hangUp(uac, OUT_OF_CREDIT)])
    expect(await caller.finished(5_000)).toMatchObject({ exitCode: 0 })
    await noted(called, 'bye')
    await stage.allLegsOver()
    expect(await stops(ending, 2)).toEqual(['application normal-release', 'application normal-release'])
  })

  it('is cancelled on both legs while it rings', async () => {
    const called = await stage.callee('uas-rings')
    const ringing = await stage.app((invite) => connect(invite, called.port))
    expect(await stage.call('uac-cancels')).toMatchObject([{ what: 'cancelled' }])
    await noted(called, 'cancelled')
    expect(await outcome(ringing)).toMatchObject({ status: 487 })
    expect(await stops(ringing, 2)).toEqual(['network call-canceled', 'network call-canceled'])
    await stage.allLegsOver()
  })

  it('lets media through before the answer', async () => {
    const called = await stage.callee('uas-plays')
    await stage.app((invite) => connect(invite, called.port))
    expect(talkedMs(await stage.call('uac-hears'))).toHaveLength(1)
    await noted(called, 'bye')
  })

  it('goes to a second target when the first is a closed port', async () => {
    const called = await stage.callee('uas-answers')
    const closed = await freePort()
    const failures: unknown[] = []
    const trying = await stage.app(async (invite) => {
      const options = { passFailure: false }
      await connect(invite, closed, options).catch((error: unknown) => failures.push(error))
      return await connect(invite, called.port, options)
    })
    expect(talkedMs(await stage.call('uac-hangs-up'))).toHaveLength(1)
    expect(failures).toMatchObject([{ status: 503 }])
    await noted(called, 'bye')
    expect(await stops(trying, 3)).toContain('network call-rejected')
  })

  it('passes a re-INVITE and its answer from leg to leg', async () => {
    const called = await stage.callee('uas-answers-twice')
    const passing = await stage.app(async (invite) => {
      const { uas, uac } = await connect(invite, called.port)
      let passed = false
      uas.on('modify', (req, res) => {
        void forward(uac, { req, res }).then(() => (passed = true))
      })
      return { uas, uac, passed: () => passed }
    })
    const caller = await stage.ring('uac-reinvites')
    const made = (await outcome(passing)) as Legs & { passed: () => boolean }
    await until('the re-INVITE is answered', made.passed)
    await pause(100)
    await hangUp(made.uas, OUT_OF_CREDIT)
    await hangUp(made.uac, OUT_OF_CREDIT)
    expect(await caller.finished(5_000)).toMatchObject({ exitCode: 0 })
    await noted(called, 'bye')
  })

  it('goes to the apps in turn', async () => {
    const both = [0, 1].map(() =>
      stage.app(({ res }) => {
        res.send(403)
        return undefined
      }),
    )
    const [first, second] = await Promise.all(both)
    await stage.call('uac-hangs-up', { calls: 4, rate: 10 })
    expect([first?.outcomes.length, second?.outcomes.length]).toEqual([2, 2])
  })
})

describe('a call that an app proxies', () => {
  it('tells the app of it, and gives each CDR twice', async () => {
    const [busy, called] = [await stage.callee('uas-busy'), await stage.callee('uas-answers')]
    const proxying = await stage.app(({ req, app: self }) =>
      self.proxy(req, [busy.port, called.port], { recordRoute: true, finalTimeout: '5s' }),
    )
    expect(talkedMs(await stage.call('uac-hangs-up'))).toHaveLength(1)
    await noted(called, 'bye')
    expect(await outcome(proxying)).toMatchObject({ connected: true, finalStatus: 200 })
    expect(await stops(proxying, 3)).toEqual([
      'application normal-release',
      'network call-rejected',
      'network normal-release',
    ])
    expect(events(proxying, 'cdr:attempt')).toEqual(['application', 'application', 'network'])
    expect(events(proxying, 'cdr:start')).toEqual(['application proxy-uas', 'network proxy-uac'])
    expect(new Set(proxying.cdrs.map(({ callId }) => callId)).size).toBe(1)
  })

  it('is cancelled through the proxy', async () => {
    const called = await stage.callee('uas-rings')
    const proxying = await stage.app(({ req, app: self }) => self.proxy(req, [called.port], { recordRoute: true }))
    expect(await stage.call('uac-cancels')).toMatchObject([{ what: 'cancelled' }])
    await noted(called, 'cancelled')
    expect(await outcome(proxying)).toMatchObject({ connected: false, finalStatus: 487 })
  })
})

describe('a call that has lost its app', () => {
  it(
    'is ended by its session timer on the leg that has one',
    async () => {
      const called = await stage.callee('uas-answers')
      const responseHeaders = { 'Session-Expires': `${SESSION_SECONDS};refresher=uac` }
      const leaving = await stage.app((invite) => connect(invite, called.port, { responseHeaders }))
      const caller = await stage.ring('uac-waits', { withinMs: (SESSION_SECONDS + 15) * 1_000 })
      const { uac } = await legs(leaving)
      await noted(caller, 'answered')
      leaving.leave()
      const { exitCode, notes } = await caller.finished((SESSION_SECONDS + 15) * 1_000)
      expect(exitCode).toBe(0)
      expect((talkedMs(notes)[0] ?? 0) / 1_000).toBeCloseTo(SESSION_SECONDS, 0)
      expect((await called.notes()).map(({ what }) => what)).toEqual(['answered'])
      const sweeping = await stage.app()
      expect(await sweeping.bye(dialogIdOf(uac))).toBe(200)
    },
    (SESSION_SECONDS + 30) * 1_000,
  )

  it('is hung up on both legs by another app that has the ids', async () => {
    const called = await stage.callee('uas-answers')
    const leaving = await stage.app((invite) => connect(invite, called.port))
    const caller = await stage.ring('uac-waits')
    const { uas, uac } = await legs(leaving)
    await noted(caller, 'answered')
    leaving.leave()
    const sweeping = await stage.app()
    expect(await sweeping.bye(dialogIdOf(uas))).toBe(200)
    expect(await sweeping.bye(dialogIdOf(uac))).toBe(200)
    expect(await caller.finished(5_000)).toMatchObject({ exitCode: 0 })
    await noted(called, 'bye')
    await expect(sweeping.bye(dialogIdOf(uas))).rejects.toMatchObject({ code: 'ENODIALOG' })
    expect(await stops(sweeping, 2)).toEqual(['application normal-release', 'application normal-release'])
  })

  it('answers the BYE of a phone with 481 after the app has reconnected, and leaves the other leg up', async () => {
    const called = await stage.callee('uas-answers')
    const losing = await stage.app((invite) => connect(invite, called.port))
    const caller = await stage.ring('uac-hangs-up-late', { talkMs: 2_000 })
    const { uas, uac } = await legs(losing)
    await noted(caller, 'answered')
    stage.server.dropSockets()
    await losing.connected(2)
    expect(await caller.finished(8_000)).toMatchObject({ exitCode: 0 })
    expect(await stops(losing, 1)).toEqual(['network normal-release'])
    await expect(losing.bye(dialogIdOf(uas))).rejects.toMatchObject({ code: 'ENODIALOG' })
    expect((await called.notes()).map(({ what }) => what)).toEqual(['answered'])
    await expect(hangUp(uac, OUT_OF_CREDIT)).rejects.toMatchObject({ code: 'ESOCKETDESTROYED' })
    expect(await losing.bye(dialogIdOf(uac))).toBe(200)
    await noted(called, 'bye')
  })
})
