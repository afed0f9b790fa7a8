/** What config/kamailio/http does when the daemon is away, slow, or talks nonsense. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { controlOf } from '../../../src/edges/control/control.ts'
import { Kamailio } from './kamailio.ts'
import { until } from './process.ts'
import { callWith, type Note, Sipp, talkedMs } from './sipp.ts'
import { type Mood, StandIn } from './stand-in.ts'

let daemon: StandIn
let closed: Kamailio
let open: Kamailio

beforeAll(async () => {
  daemon = await StandIn.start()
  const common = { example: 'http', daemonUrl: daemon.url, apiKey: 'key' } as const
  closed = await Kamailio.start(common)
  const defines = ['WITH_BLOCKING', 'WITH_FAIL_OPEN', 'FAIL_OPEN_SECONDS=1', 'FAIL_OPEN_CALLS=2']
  open = await Kamailio.start({ ...common, node: 'kam2', defines })
}, 60_000)

afterAll(async () => {
  await closed.end()
  await open.end()
  await daemon.end()
}, 30_000)

afterEach(() => {
  daemon.mood = 'well'
  daemon.maxDurationSeconds = 600
  daemon.eventStatus = () => 200
})

async function answering<Result>(kamailio: Kamailio, during: () => Promise<Result>): Promise<Result> {
  const callee = await Sipp.start({ scenario: 'uas-answers', port: kamailio.ports.nextHop })
  try {
    return await during()
  } finally {
    await callee.stop()
  }
}

function talking(notes: readonly Note[]): number {
  return notes.filter(({ what }) => what === 'answered').length
}

describe('a Kamailio that fails closed', () => {
  it.each<[Mood]>([['silent'], ['garbage'], ['failing'], ['no_word']])(
    'refuses with 503 when the daemon is %s, and reports the call as failed',
    async (mood) => {
      daemon.mood = mood
      const { notes } = await callWith({ scenario: 'uac-hangs-up', target: closed.ports.sip })
      expect(notes).toMatchObject([{ what: 'refused', status: 503, code: 'engine_unavailable' }])
      const callId = notes[0]?.callId
      await until('the failure is reported', () => daemon.typesOf(callId).length === 1)
      expect(daemon.events.at(-1)).toMatchObject({ type: 'failed', callId, cause: 'daemon_unreachable' })
    },
  )

  it('asks once for a call whose INVITE is repeated while the daemon thinks', async () => {
    daemon.mood = 'slow'
    const before = daemon.asked.length
    const call = { scenario: 'uac-hangs-up', talkMs: 200, target: closed.ports.sip }
    const { notes } = await answering(closed, () => callWith(call))
    expect(notes.map(({ what }) => what)).toEqual(['answered', 'hungup'])
    expect(daemon.asked.length - before).toBe(1)
  })

  it('does not connect a call that was cancelled while the daemon thought', async () => {
    daemon.mood = 'slow'
    const call = { scenario: 'uac-cancels-at-once', talkMs: 200, target: closed.ports.sip }
    const { notes } = await answering(closed, () => callWith(call))
    expect(notes).toMatchObject([{ what: 'cancelled' }])
    await until('the failure is reported', () => daemon.typesOf(notes[0]?.callId).includes('failed'))
    expect(daemon.typesOf(notes[0]?.callId)).toEqual(['failed'])
  })

  it('connects an emergency call without asking', async () => {
    daemon.mood = 'failing'
    const before = daemon.asked.length
    const call = { scenario: 'uac-hangs-up', talkMs: 200, target: closed.ports.sip, dialled: '112' }
    const { notes } = await answering(closed, () => callWith(call))
    expect(notes.map(({ what }) => what)).toEqual(['answered', 'hungup'])
    expect(daemon.asked.length).toBe(before)
  })

  it('ends a call by itself when no daemon does, without a re-INVITE giving it more', async () => {
    daemon.maxDurationSeconds = 2
    const callee = await Sipp.start({ scenario: 'uas-answers-twice', port: closed.ports.nextHop })
    const { notes } = await callWith({ scenario: 'uac-reinvites', talkMs: 1_000, target: closed.ports.sip })
    await until('the called side is told', async () => talkedMs(await callee.notes()).length === 1)
    for (const [talked] of [talkedMs(notes), talkedMs(await callee.stop())]) {
      expect(talked).toBeGreaterThan(1_900)
      expect(talked).toBeLessThan(4_200)
    }
    await until('the stop is reported', () => daemon.typesOf(notes[0]?.callId).includes('stop'))
    expect(daemon.events.at(-1)).toMatchObject({ type: 'stop', cause: 'max_duration' })
  })
})

describe('the outbox of Kamailio', () => {
  it('keeps events in order through an outage', async () => {
    daemon.eventStatus = () => 503
    const call = { scenario: 'uac-hangs-up', talkMs: 200, target: closed.ports.sip, calls: 30, rate: 100 }
    const { notes } = await answering(closed, () => callWith(call))
    daemon.eventStatus = () => 200
    const ids = notes.filter(({ what }) => what === 'answered').map(({ callId }) => callId)
    expect(ids).toHaveLength(30)
    await until('all is delivered', () => ids.every((id) => daemon.typesOf(id).includes('stop')))
    for (const id of ids) expect(daemon.typesOf(id)).toEqual(['start', 'stop'])
  })

  it('does not let one refused event hold up the others', async () => {
    const bad = 'bad-one@x'
    daemon.eventStatus = (batch) => (batch.some(({ callId }) => callId?.startsWith('bad-one')) ? 400 : 200)
    const call = { scenario: 'uac-hangs-up', talkMs: 200, target: closed.ports.sip }
    await answering(closed, async () => {
      await callWith({ ...call, callId: bad })
      const { notes } = await callWith(call)
      await until('the other call is reported', () => daemon.typesOf(notes[0]?.callId).includes('stop'))
    })
    expect(closed.log).toContain('event refused, never charged')
  })
})

describe('a Kamailio that fails open', () => {
  it('connects so many calls for so long, and says so', async () => {
    daemon.mood = 'failing'
    const call = { scenario: 'uac-waits', target: open.ports.sip, calls: 5, rate: 50 }
    const { notes } = await answering(open, () => callWith(call))
    expect(notes.filter(({ what }) => what === 'refused')).toHaveLength(3)
    const lasted = talkedMs(notes)
    expect(lasted).toHaveLength(2)
    for (const talked of lasted) expect(talked).toBeLessThan(4_200)
    await until('both are reported', () => daemon.events.filter(({ decision }) => decision === 'failopen').length === 4)
  })
})

describe('a Kamailio that restarts', () => {
  it('reports the end of a call it has forgotten', async () => {
    const first = await Kamailio.start({ example: 'http', daemonUrl: daemon.url, apiKey: 'key', node: 'kam3' })
    let second: Kamailio | undefined
    try {
      const seen = await answering(first, async () => {
        const calling = callWith({ scenario: 'uac-hangs-up', talkMs: 3_000, target: first.ports.sip })
        await until(
          'the call is up',
          async () => (await first.activeCalls()) === 1 && daemon.events.at(-1)?.type === 'start',
        )
        await first.kill()
        second = await Kamailio.start({
          example: 'http',
          daemonUrl: daemon.url,
          apiKey: 'key',
          node: 'kam3',
          ports: first.ports,
        })
        return await calling
      })
      expect(seen.exitCode).toBe(0)
      await until('the end is reported', () => daemon.typesOf(seen.notes[0]?.callId).includes('stop'))
      expect(daemon.events.at(-1)).toMatchObject({ type: 'stop', cause: 'bye_unknown_dialog' })
      expect(daemon.events.filter(({ type }) => type === 'edge_up').length).toBeGreaterThanOrEqual(4)
    } finally {
      await first.kill()
      await second?.end()
    }
  })
})

describe('the control channel of Kamailio', () => {
  it('refuses a call that rings, lists it before, and has forgotten it afterwards', async () => {
    const control = controlOf({ kind: 'kamailio', rpcUrl: closed.rpcUrl, canRaise: true })
    const callee = await Sipp.start({ scenario: 'uas-rings', port: closed.ports.nextHop })
    const calling = callWith({ scenario: 'uac-hangs-up', target: closed.ports.sip })
    await until('it rings', async () => (await control.list()).length === 1)
    const [listed] = await control.list()
    await control.end({ call: '01', node: 'kam1', callId: '', legId: '', ...listed }, 'no_credit')
    expect((await calling).notes).toMatchObject([{ what: 'refused', status: 402 }])
    await until('the called side is told', async () => (await callee.notes()).some(({ what }) => what === 'cancelled'))
    await callee.stop()
    await until('it is forgotten', async () => (await control.list()).length === 0)
  })

  it('ends a hundred calls with a BYE to both ends and one stop each', async () => {
    const control = controlOf({ kind: 'kamailio', rpcUrl: closed.rpcUrl, canRaise: true })
    const callee = await Sipp.start({ scenario: 'uas-answers', port: closed.ports.nextHop })
    const calling = callWith({ scenario: 'uac-waits', target: closed.ports.sip, calls: 100, rate: 200 })
    await until('all are answered', async () => talking(await callee.notes()) === 100)
    for (const listed of await control.list()) await control.end({ call: '01', node: 'kam1', ...listed }, 'no_credit')
    const { notes } = await calling
    expect(talkedMs(notes)).toHaveLength(100)
    await until('every called side is told', async () => talkedMs(await callee.notes()).length === 100)
    await callee.stop()
    const ids = notes.filter(({ what }) => what === 'answered').map(({ callId }) => callId)
    await until('every stop is reported', () => ids.every((id) => daemon.typesOf(id).includes('stop')))
    for (const id of ids) expect(daemon.typesOf(id)).toEqual(['start', 'stop'])
  })

  it('lengthens a call', async () => {
    daemon.maxDurationSeconds = 1
    const control = controlOf({ kind: 'kamailio', rpcUrl: closed.rpcUrl, canRaise: true })
    const notes = await answering(closed, async () => {
      const calling = callWith({ scenario: 'uac-waits', target: closed.ports.sip })
      await until('it is answered', () => daemon.events.at(-1)?.type === 'start')
      const [listed] = await control.list()
      await control.raise({ call: '01', node: 'kam1', callId: '', legId: '', ...listed }, 3)
      return (await calling).notes
    })
    expect(talkedMs(notes)[0]).toBeGreaterThan(2_000)
    expect(talkedMs(notes)[0]).toBeLessThan(5_500)
  })
})
