/** What a drachtio-server does about lost packets and bad frames, and what the double does when a test makes it go wrong. */
import { once } from 'node:events'
import { connect as dial, type Socket as TcpSocket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../edges/sip/process.ts'
import { talkedMs } from '../../edges/sip/sipp.ts'
import { DrachtioDouble } from './drachtio-double.ts'
import { describeIf } from './describe-if.ts'
import { isDouble, isOurs, leastSessionSeconds } from './drachtio-server.ts'
import { frameText, FrameReader, type Frame } from './frames.ts'
import { RawPhone } from './raw-phone.ts'
import { events, legs, noted, outcome, Stage, stops } from './stage.ts'
import { connect, dialogIdOf, hangUp, type Invite } from './test-app.ts'

/** The real server looks at its timers every 62 ms. */
const T1_MS = 50
/** For a 200 it has timers of its own. */
const NO_ACK_MS = isDouble ? 10_000 : 40_000

let stage: Stage

beforeEach(async () => {
  stage = await Stage.open()
})

afterEach(async () => {
  await stage.end()
})

const refusing: Invite = ({ res }) => {
  res.send(403)
  return undefined
}

describeIf(isOurs)('a packet that is lost, where the test sets the timers', () => {
  let phone: RawPhone

  beforeEach(async () => {
    await stage.end()
    stage = await Stage.open({ t1Ms: T1_MS })
    phone = await RawPhone.open(stage.server.sipPort)
  })

  afterEach(() => {
    phone.close()
  })

  it('is made up for: a final response comes again until its ACK, and an INVITE that comes again is one call', async () => {
    const app = await stage.app(refusing)
    phone.say(phone.request('INVITE'))
    await until(
      'the refusal came three times',
      () => phone.statuses('INVITE').filter((status) => status === 403).length >= 3,
    )
    phone.say(phone.request('INVITE'))
    const { toTag } = phone.got.at(-1)!
    const ack = phone.request('ACK', { toTag })
    ack.set('Via', phone.request('INVITE').get('Via'))
    phone.say(ack)
    await until('no more comes', async () => {
      const before = phone.got.length
      await app.barrier()
      await new Promise((resolve) => setTimeout(resolve, 12 * T1_MS))
      return phone.got.length === before
    })
    expect(app.outcomes).toHaveLength(1)
  })

  it(
    'ends an answered call without an ACK by a BYE of the server, of which the app is told, but by no cdr:stop',
    async () => {
      let reason: unknown
      const app = await stage.app(async ({ req, res, app: self }) => {
        const dialog = await self.srf.createUAS(req, res, { localSdp: 'v=0\r\n' })
        dialog.on('destroy', (...args: unknown[]) => (reason = args[1]))
        return dialog
      })
      phone.say(phone.request('INVITE'))
      await until('a BYE came', () => phone.requests('BYE').length > 0, { withinMs: NO_ACK_MS })
      expect(phone.statuses('INVITE').filter((status) => status === 200).length).toBeGreaterThan(3)
      await until('the app knows', () => reason !== undefined)
      expect(reason).toBe('ACK timeout')
      await app.barrier()
      expect(events(app, 'cdr:stop')).toEqual([])
      expect(await stage.server.dialogs).toBe(0)
    },
    NO_ACK_MS + 10_000,
  )

  it('is sent again until there is an answer, and ends in 408 without one', async () => {
    const app = await stage.app()
    const asked = app.srf.createUAC(`sip:called@127.0.0.1:${phone.port}`, { localSdp: 'v=0\r\n' })
    await expect(asked).rejects.toMatchObject({ status: 408 })
    const sent = phone.requests('INVITE')
    expect(sent.length).toBeGreaterThan(2)
    expect(new Set(sent.map(String)).size).toBe(1)
  })

  it('is made up for: a BYE that comes again gets the same answer, and is one BYE for the app', async () => {
    let ends = 0
    await stage.app(async ({ req, res, app: self }) => {
      const dialog = await self.srf.createUAS(req, res, { localSdp: 'v=0\r\n' })
      dialog.on('destroy', () => (ends += 1))
      return dialog
    })
    phone.say(phone.request('INVITE'))
    await until('it is answered', () => phone.statuses('INVITE').includes(200))
    const { toTag } = phone.got.at(-1)!
    phone.say(phone.request('ACK', { toTag }))
    phone.say(phone.request('BYE', { toTag, cseq: 2 }))
    await until('the BYE is answered', () => phone.statuses('BYE').length === 1)
    phone.say(phone.request('BYE', { toTag, cseq: 2 }))
    await until('it is answered again', () => phone.statuses('BYE').length === 2)
    expect(phone.statuses('BYE')).toEqual([200, 200])
    expect(ends).toBe(1)
  })

  it('is the ACK of a refusal: until it comes the same leg is refused with 491', async () => {
    const app = await stage.app(refusing)
    const invite = phone.request('INVITE')
    phone.say(invite)
    await until('it is refused', () => phone.statuses('INVITE').includes(403))
    phone.say(phone.request('INVITE', { cseq: 2 }))
    await until('it is too early', () => phone.statuses('INVITE').includes(491))
    phone.acknowledge(
      invite,
      phone.got.find(({ status }) => status === 403)!,
    )
    await app.barrier()
    phone.say(phone.request('INVITE', { cseq: 3 }))
    await until('it is taken', () => app.outcomes.length === 2)
  })

  it('is of no call that is known: a BYE gets 481', async () => {
    phone.say(phone.request('BYE', { toTag: 'nobody' }))
    await until('it is answered', () => phone.statuses('BYE').length > 0)
    expect(phone.statuses('BYE')).toEqual([481])
  })
})

describe('a session timer', () => {
  it(
    'starts again when the phone refreshes it',
    async () => {
      const seconds = Math.max(2, leastSessionSeconds)
      const called = await stage.callee('uas-answers')
      await stage.app((invite) =>
        connect(invite, called.port, { responseHeaders: { 'Session-Expires': `${seconds};refresher=uac` } }),
      )
      const refreshAfterMs = seconds * 600
      const wish = { talkMs: refreshAfterMs, sessionSeconds: seconds, withinMs: (2 * seconds + 10) * 1_000 }
      const [talked = 0] = talkedMs(await stage.call('uac-refreshes', wish))
      expect(talked).toBeGreaterThan(refreshAfterMs + seconds * 1_000 - 400)
      expect(talked).toBeLessThan(refreshAfterMs + seconds * 1_000 + 1_300)
      await noted(called, 'bye')
    },
    (2 * leastSessionSeconds + 30) * 1_000,
  )
})

describeIf(isOurs)('a server that the test restarts', () => {
  it('has forgotten all calls, and takes new ones on its ports', async () => {
    const called = await stage.callee('uas-answers')
    const app = await stage.app((invite) => connect(invite, called.port))
    const caller = await stage.ring('uac-hangs-up-late', { talkMs: 2_000 })
    const { uac } = await legs(app)
    await noted(caller, 'answered')
    await stage.server.restart()
    await app.connected(2)
    expect(await caller.finished(8_000)).toMatchObject({ exitCode: 0 })
    await expect(app.bye(dialogIdOf(uac))).rejects.toMatchObject({ code: 'ENODIALOG' })
    expect((await called.notes()).map(({ what }) => what)).toEqual(['answered'])
    const second = await stage.callee('uas-busy')
    expect(await app.ask(`sip:called@127.0.0.1:${second.port}`, { method: 'INVITE' })).toBe(486)
  })
})

describe('a server that hears nothing', () => {
  it('answers nothing, and goes on with its calls afterwards', async () => {
    const called = await stage.callee('uas-answers')
    const app = await stage.app((invite) => connect(invite, called.port))
    const caller = await stage.ring('uac-waits')
    const { uas, uac } = await legs(app)
    await noted(caller, 'answered')
    stage.server.silence()
    let settled = false
    const ended = hangUp(uas, 'SIP;cause=200').finally(() => (settled = true))
    await expect(Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 500, 'silent'))])).resolves.toBe(
      'silent',
    )
    expect(settled).toBe(false)
    expect((await caller.notes()).map(({ what }) => what)).toEqual(['answered'])
    stage.server.silence(false)
    expect(await app.bye(dialogIdOf(uas))).toBe(200)
    expect(await app.bye(dialogIdOf(uac))).toBe(200)
    expect(await caller.finished(5_000)).toMatchObject({ exitCode: 0 })
  })
})

describeIf(isDouble)('the double when told so', () => {
  let double: DrachtioDouble

  beforeEach(() => {
    if (stage.server instanceof DrachtioDouble) double = stage.server
  })

  it('refuses a final response as too late, and sends nothing', async () => {
    double.refuseFinalResponses()
    const app = await stage.app(async ({ req, res, app: self }) => {
      await self.srf.createUAS(req, res, { localSdp: 'v=0\r\n' })
    })
    const phone = await RawPhone.open(double.sipPort)
    phone.say(phone.request('INVITE'))
    expect(await outcome(app)).toBe('Response not sent due to unknown transaction')
    expect(phone.statuses('INVITE')).toEqual([100])
    phone.close()
    double.refuseFinalResponses(false)
    await stage.app(refusing)
    expect(await stage.call('uac-hangs-up', { calls: 2 })).toContainEqual(
      expect.objectContaining({ what: 'refused', status: 403 }),
    )
  })

  it('gives each cdr:stop twice', async () => {
    const app = await stage.app(refusing)
    double.spoilCdrs({ stopTwice: true })
    await stage.call('uac-hangs-up')
    expect(await stops(app, 2)).toEqual(['application call-rejected', 'application call-rejected'])
  })

  it('gives the cdr:stop of a call before its cdr:start', async () => {
    const called = await stage.callee('uas-answers')
    const app = await stage.app((invite) => connect(invite, called.port))
    double.spoilCdrs({ stopBeforeStart: true })
    await stage.call('uac-hangs-up')
    await until('all came', () => events(app, 'cdr:start').length === 2 && events(app, 'cdr:stop').length === 2)
    for (const callId of new Set(app.cdrs.map((event) => event.callId))) {
      const order = app.cdrs.filter((event) => event.callId === callId).map(({ kind }) => kind)
      expect(order).toEqual(['cdr:attempt', 'cdr:stop', 'cdr:start'])
    }
  })

  it('gives the CDRs of a call to another app than the one that has it', async () => {
    const answering = await stage.app(refusing)
    const other = await stage.app()
    double.spoilCdrs({ toOthers: true })
    await stage.call('uac-hangs-up')
    expect(await stops(other, 1)).toEqual(['application call-rejected'])
    expect(events(other, 'cdr:attempt')).toEqual(['network'])
    await answering.barrier()
    expect(answering.cdrs).toEqual([])
  })
})

describe('the admin port', () => {
  let socket: TcpSocket
  let got: Frame[]

  beforeEach(async () => {
    socket = dial(stage.server.adminPort, '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    got = []
    const reader = new FrameReader()
    socket.on('data', (chunk: Buffer) => got.push(...reader.read(chunk)))
  })

  afterEach(() => {
    socket.destroy()
  })

  it.each([
    ['a wrong secret', frameText(['authenticate', 'wrong', '']), ['NO', 'incorrect secret']],
    ['a word that it does not know', frameText(['sing']), ['NO', 'Unknown message type']],
  ])('closes on %s', async (_, text, words) => {
    socket.write(text)
    await once(socket, 'close')
    expect(got.map((frame) => frame.words.slice(2))).toEqual([words])
  })

  it('closes on a length that is none', async () => {
    socket.write('abc#def')
    await once(socket, 'close')
    expect(got).toEqual([])
  })

  it('answers nothing after a frame that is too long', async () => {
    socket.write(frameText(['ping', 'x'.repeat(12_300)]))
    socket.write(frameText(['ping']))
    const other = await stage.app()
    await other.barrier()
    expect(got).toEqual([])
    expect(socket.destroyed).toBe(false)
  })

  it('takes frames that come in pieces', async () => {
    for (const byte of Buffer.from(frameText(['ping']))) socket.write(Buffer.of(byte))
    await until('it is answered', () => got.length > 0)
    expect(got[0]?.words.slice(2)).toEqual(['OK', 'pong'])
  })
})
