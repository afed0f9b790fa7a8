/** What a drachtio-server does by itself: it refreshes sessions, ends what nobody wants, and gives up on who says nothing. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../edges/sip/process.ts'
import { talkedMs } from '../../edges/sip/sipp.ts'
import { describeIf } from './describe-if.ts'
import { isDouble, isOurs, leastSessionSeconds } from './drachtio-server.ts'
import { RawPhone } from './raw-phone.ts'
import { responseTo, type SipMessage } from './sip-message.ts'
import { noted, outcome, Stage, stops } from './stage.ts'
import { answered, type TestApp } from './test-app.ts'

const T1_MS = 50
const SDP = 'v=0\r\n'

let stage: Stage
let phone: RawPhone

beforeEach(async () => {
  stage = await Stage.open({ t1Ms: T1_MS })
  phone = await RawPhone.open(stage.server.sipPort)
})

afterEach(async () => {
  phone.close()
  await stage.end()
})

async function answering(headers: Record<string, string> = {}): Promise<TestApp> {
  return await stage.app(({ req, res, app }) => app.srf.createUAS(req, res, { localSdp: SDP, headers }))
}

/** Calls, and says ACK; returns the tag of the called side. */
async function talk(): Promise<string> {
  phone.say(phone.request('INVITE'))
  await until('it is answered', () => phone.statuses('INVITE').includes(200))
  const { toTag } = phone.got.find(({ status }) => status === 200)!
  phone.say(phone.request('ACK', { toTag }))
  return toTag
}

async function asked(method: string, wait: { readonly withinMs?: number } = {}): Promise<SipMessage> {
  await until(`${method} came`, () => phone.requests(method).length > 0, wait)
  return phone.requests(method)[0]!
}

function answer(request: SipMessage, status: number): void {
  const response = responseTo(request, status, 'Whatever')
  if (response.toTag === '') response.set('To', `${response.get('To')};tag=phone`)
  response.add('Contact', `<sip:called@127.0.0.1:${phone.port}>`)
  phone.say(response)
}

const SECONDS = leastSessionSeconds
const REFRESHED = { withinMs: (SECONDS / 2) * 1_000 + 10_000 }

describe('a session that the server has to refresh', { timeout: REFRESHED.withinMs + 10_000 }, () => {
  it('gets a re-INVITE at half time, and goes on with its answer', async () => {
    const app = await answering({ 'Session-Expires': `${SECONDS};refresher=uas` })
    await talk()
    const refresh = await asked('INVITE', REFRESHED)
    expect(refresh.get('Session-Expires')).toBe(`${SECONDS};refresher=uac`)
    expect(refresh.body).toBe(SDP)
    answer(refresh, 200)
    await asked('ACK')
    expect(phone.requests('BYE')).toEqual([])
    expect(app.cdrs.filter(({ kind }) => kind === 'cdr:stop')).toEqual([])
    expect(await stage.server.dialogs).toBe(1)
  })

  it('ends when the phone refuses', async () => {
    const app = await answering({ 'Session-Expires': `${SECONDS};refresher=uas` })
    await talk()
    answer(await asked('INVITE', REFRESHED), 481)
    expect((await asked('BYE')).get('Reason')).toContain('Session timer expired')
    expect(await stops(app, 1)).toEqual(['application session-expired'])
    expect(await stage.server.dialogs).toBe(0)
  })
})

describe('a session timer that is too short', () => {
  beforeEach(async () => {
    await stage.end()
    phone.close()
    stage = await Stage.open({ t1Ms: T1_MS, leastSessionSeconds: 90 })
    phone = await RawPhone.open(stage.server.sipPort)
  })

  it('is refused when a phone asks for it', async () => {
    await answering()
    const toTag = await talk()
    const update = phone.request('UPDATE', { toTag, cseq: 2 })
    update.add('Session-Expires', '20')
    phone.say(update)
    await until('it is answered', () => phone.statuses('UPDATE').length > 0)
    expect(phone.got.at(-1)).toMatchObject({ status: 422 })
    expect(phone.got.at(-1)?.get('Min-SE')).toBe('90')
  })
})

describe('a call that is cancelled too late', () => {
  it('goes on when it has been answered: the caller still owes its ACK, and a BYE', async () => {
    const app = await answering()
    phone.say(phone.request('INVITE'))
    await until('it is answered', () => phone.statuses('INVITE').includes(200))
    const cancel = phone.request('CANCEL')
    cancel.set('Via', phone.request('INVITE').get('Via'))
    phone.say(cancel)
    await until('it is refused', () => phone.statuses('CANCEL').includes(481))
    await app.barrier()
    expect(phone.requests('BYE')).toEqual([])
    expect(await stage.server.dialogs).toBe(1)
  })

  it('is ended when the called side answers all the same', async () => {
    const app = await stage.app()
    const invite = await app.request(`sip:called@127.0.0.1:${phone.port}`, {
      method: 'INVITE',
      body: SDP,
      headers: { 'Content-Type': 'application/sdp' },
    })
    const ends = new Promise((resolve) => {
      invite.on('response', (response, ack) => {
        if (response?.status !== 200) return
        ack?.()
        resolve(response.status)
      })
    })
    const got = await asked('INVITE')
    invite.cancel(() => undefined)
    answer(got, 180)
    answer(await asked('CANCEL'), 200)
    answer(got, 200)
    expect(await ends).toBe(200)
    await asked('ACK')
    expect((await asked('BYE')).get('Reason')).toContain('ACK-BYE')
    expect(await stops(app, 1)).toEqual(['application system-initiated-termination'])
  })

  it('is sent on only after the called side has said something', async () => {
    const app = await stage.app()
    const invite = await app.request(`sip:called@127.0.0.1:${phone.port}`, { method: 'INVITE' })
    const status = answered(invite)
    const got = await asked('INVITE')
    invite.cancel(() => undefined)
    await app.barrier()
    expect(phone.requests('CANCEL')).toEqual([])
    answer(got, 180)
    answer(await asked('CANCEL'), 200)
    answer(got, 487)
    expect(await status).toBe(487)
    await asked('ACK')
  })
})

describeIf(isOurs)('who says nothing, where the test sets the timers', () => {
  it('is passed over by a proxy with a provisional timeout', async () => {
    const called = await stage.callee('uas-answers')
    const options = { recordRoute: true, provisionalTimeout: '100ms' }
    const startedMs = performance.now()
    const app = await stage.app(({ req, app: self }) => self.proxy(req, [phone.port, called.port], options))
    expect(talkedMs(await stage.call('uac-hangs-up'))).toHaveLength(1)
    await noted(called, 'bye')
    expect(await outcome(app)).toMatchObject({ connected: true, finalStatus: 200 })
    expect(phone.requests('INVITE').length).toBeGreaterThan(0)
    expect(performance.now() - startedMs).toBeGreaterThan(100)
  })

  it('is answered for with 408 by a proxy that has nobody else to ask', async () => {
    const app = await stage.app(({ req, app: self }) => self.proxy(req, [phone.port], { provisionalTimeout: '100ms' }))
    expect(await stage.call('uac-hangs-up')).toMatchObject([{ what: 'refused', status: 408 }])
    expect(await outcome(app)).toMatchObject({ connected: false })
    expect(await stops(app, 1)).toEqual(['application call-rejected'])
  })

  it(
    'is an app that has 64 s to begin with; later its answer is refused, and a CANCEL gets 481',
    { timeout: 90_000 },
    async () => {
      let late: unknown
      await stage.app(async ({ res }) => {
        await until('the caller was told', () => phone.statuses('CANCEL').length > 0, { withinMs: 80_000 })
        res.send(403, 'Forbidden', {}, (error: unknown) => (late = error))
      })
      phone.say(phone.request('INVITE'))
      await until('it tries', () => phone.statuses('INVITE').includes(100))
      await new Promise((resolve) => setTimeout(resolve, isDouble ? 140 * T1_MS : 66_000))
      const cancel = phone.request('CANCEL')
      cancel.set('Via', phone.request('INVITE').get('Via'))
      phone.say(cancel)
      await until('its answer is refused', () => late !== undefined)
      expect(late).toBe('Response not sent due to unknown transaction')
      expect(phone.statuses('CANCEL')).toEqual([481])
      expect(phone.statuses('INVITE')).toEqual([100])
    },
  )
})
