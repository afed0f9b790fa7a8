/** What a trunk group decides: where its calls go, over which hops, and what becomes of them when the daemon ends. */
import { describe, expect, it } from 'vitest'
import { RawPhone } from '../../support/drachtio/raw-phone.ts'
import { ended, SipBench } from './drachtio-bench.ts'
import { Phones } from './phones.ts'
import { freePort, until } from './process.ts'

const CALLED = '+442079460999'

describe('a trunk group', { timeout: 60_000 }, () => {
  it('whose calls are warned tells the caller in an INFO how many seconds the money still lasts', async ({
    onTestFinished,
  }) => {
    const bench = await SipBench.start(onTestFinished, {
      calls: ', warnSeconds: 2',
      sip: `warning: { headers: { X-Tollgate-Seconds-Left: '{seconds}', Content-Type: text/plain }, body: '{seconds} seconds left' }`,
    })
    const payer = await bench.account('warned', { credit: '5.00' })
    const { caller, callee } = await bench.talk(payer, { scenario: 'uas-answers' }, { scenario: 'uac-is-warned' })
    expect(caller.map(({ what }) => what)).toEqual(['answered', 'warned', 'bye'])
    expect(ended(callee)).toHaveLength(1)
    expect(await bench.settled(payer, 1)).toMatchObject([{ seconds: 5, cause: 'credit_exhausted' }])
  })

  it('that redirects tells the caller where to go and for how long, and calls nobody', async ({ onTestFinished }) => {
    const bench = await SipBench.start(onTestFinished, { hops: [5071, 5072], more: 'mode: redirect' })
    const payer = await bench.account('redirected', { credit: '100.00' })
    const phone = await RawPhone.open(bench.drachtio.sipPort)
    onTestFinished(() => phone.close())
    const invite = phone.request('INVITE')
    invite.set('From', `<sip:${payer.number}@phone>;tag=1`)
    Object.assign(invite, { uri: `sip:${CALLED}@127.0.0.1:${bench.drachtio.sipPort}` })
    phone.say(invite)
    await until('302 comes', () => phone.statuses('INVITE').includes(302))
    const answer = phone.got.find(({ status }) => status === 302)
    const contacts = answer?.all('Contact').join()
    expect(contacts).toContain(`<sip:${CALLED}@127.0.0.1:5071>;q=1.00`)
    expect(contacts).toContain(`<sip:${CALLED}@127.0.0.1:5072>;q=0.95`)
    expect(Number(answer?.get('X-Tollgate-Max-Duration'))).toBe(100)
    expect(answer?.get('X-Tollgate-Call')).toMatch(/^[0-9A-Z]{26}$/)
    expect((await bench.daemon.balance(payer.id)).reserved).not.toBe('0.000000')
  })

  it('that loses no money passes over the hop that is dearer than the price', async ({ onTestFinished }) => {
    const dear = await RawPhone.open(0)
    onTestFinished(() => dear.close())
    const bench = await SipBench.start(onTestFinished, {
      hopsYaml: (calleePort) =>
        `[{ uri: 'sip:127.0.0.1:${dear.port}', tariff: dear }, { uri: 'sip:127.0.0.1:${calleePort}', tariff: cheap }]`,
      more: 'lossless: true',
      files: { 'tariffs/dear.yaml': costs('dear', 60.01), 'tariffs/cheap.yaml': costs('cheap', 59.99) },
    })
    const payer = await bench.account('careful', { credit: '100.00' })
    const { callee } = await bench.talk(payer, { scenario: 'uas-answers' }, { scenario: 'uac-hangs-up', talkMs: 500 })
    expect(ended(callee)).toHaveLength(1)
    expect(dear.got).toEqual([])
  })

  it('that loses no money connects emergency calls all the same', async ({ onTestFinished }) => {
    const bench = await SipBench.start(onTestFinished, {
      hopsYaml: (calleePort) => `[{ uri: 'sip:127.0.0.1:${calleePort}', tariff: dear }]`,
      more: 'lossless: true',
      files: { 'tariffs/dear.yaml': costs('dear', 60.01) },
    })
    const payer = await bench.account('careful', { credit: '100.00' })
    await bench.called({ scenario: 'uas-answers' })
    const notes = await bench.call(payer, { scenario: 'uac-hangs-up', dialled: '112', talkMs: 300 })
    expect(notes.map(({ what }) => what)).toEqual(['answered', 'hungup'])
  })

  it('that has a status for its cuts has it said also by a worker that did not set up the call', async (context) => {
    const callee = await RawPhone.open(0)
    context.onTestFinished(() => callee.close())
    const bench = await SipBench.start(context.onTestFinished, { hops: [callee.port], more: 'cutStatus: 480' })
    const payer = await bench.account('moved', { credit: '100.00' })
    const phones = await Phones.open(bench, { payer, callee }, context.onTestFinished)
    await phones.connect()
    const call = await bench.up(payer)
    await bench.restartWorker()
    const isEnded = bench.daemon.must('POST', `/v1/calls/${call}/end`, { reason: 'moved' })
    for (const phone of [callee, phones.caller]) {
      const bye = await phones.heard(phone, 'BYE')
      expect(bye.get('Reason')).toBe('SIP;cause=480;text="moved"')
      phones.reply(bye, 200, { from: phone })
    }
    await isEnded
  })

  it('without a hop that is there refuses with 503, holds nothing and charges nothing', async ({ onTestFinished }) => {
    const bench = await SipBench.start(onTestFinished, { hops: [await freePort(), await freePort()] })
    const payer = await bench.account('nowhere', { credit: '100.00' })
    expect(await bench.call(payer, { scenario: 'uac-hangs-up' })).toMatchObject([{ what: 'refused', status: 503 }])
    await bench.daemon.heldNothing(payer.id)
  })

  it('whose hop says nothing goes on to the next', async ({ onTestFinished }) => {
    const silent = await RawPhone.open(0)
    onTestFinished(() => silent.close())
    const bench = await SipBench.start(onTestFinished, {
      hopsYaml: (calleePort) => `[{ uri: 'sip:127.0.0.1:${silent.port}' }, { uri: 'sip:127.0.0.1:${calleePort}' }]`,
      more: 'tryMs: 1500',
    })
    const payer = await bench.account('patient', { credit: '100.00' })
    const { caller } = await bench.talk(payer, { scenario: 'uas-answers' }, { scenario: 'uac-hangs-up', talkMs: 500 })
    expect(caller.map(({ what }) => what)).toEqual(['answered', 'hungup'])
    expect(silent.requests('INVITE').length).toBeGreaterThan(0)
    expect(await bench.settled(payer, 1)).toMatchObject([{ seconds: 1 }])
  })
})

describe('a worker that is told to end', { timeout: 60_000 }, () => {
  it('gives up what rings soon: the caller may try elsewhere, the called side is told, and nothing is held', async ({
    onTestFinished,
  }) => {
    const callee = await RawPhone.open(0)
    onTestFinished(() => callee.close())
    const bench = await SipBench.start(onTestFinished, { hops: [callee.port] })
    const payer = await bench.account('rings', { credit: '100.00' })
    const phones = await Phones.open(bench, { payer, callee }, onTestFinished)
    phones.caller.say(phones.invite())
    const far = await phones.heard(callee, 'INVITE')
    phones.reply(far, 180)
    await phones.answered('INVITE', 180)
    const stopping = performance.now()
    const ended = bench.daemon.stop()
    const refused = await phones.final()
    expect([refused.status, refused.get('X-Tollgate-Code')]).toEqual([503, 'draining'])
    expect(Number(refused.get('Retry-After'))).toBeGreaterThan(0)
    phones.reply(await phones.heard(callee, 'CANCEL'), 200)
    phones.reply(far, 487)
    expect(await ended).toBe(0)
    expect(performance.now() - stopping).toBeLessThan(5_000)
    await bench.startWorker()
    await bench.daemon.heldNothing(payer.id)
    expect(await bench.cdrs(payer.id)).toEqual([])
  })

  it('takes no INVITE any more, and leaves its calls to the next, which hears how they end', async ({
    onTestFinished,
  }) => {
    const callee = await RawPhone.open(0)
    onTestFinished(() => callee.close())
    const bench = await SipBench.start(onTestFinished, { hops: [callee.port] })
    const payer = await bench.account('drained', { credit: '100.00' })
    const phones = await Phones.open(bench, { payer, callee }, onTestFinished)
    const { near } = await phones.connect()
    const answeredAtMs = performance.now()
    await bench.up(payer)
    expect(await bench.daemon.stop()).toBe(0)
    expect(await bench.call(payer, { scenario: 'uac-hangs-up' })).toMatchObject([{ what: 'refused', status: 503 }])
    await bench.startWorker()
    phones.caller.say(phones.within('BYE', 2, near))
    const talkedMs = performance.now() - answeredAtMs
    phones.reply(await phones.heard(callee, 'BYE'), 200)
    // A look that the new worker takes meanwhile finds it gone, and the BYE says since when.
    await until('the BYE is heard', async () => (await bench.cdrs(payer.id))[0]?.cause === 'hung_up')
    const [cdr] = await bench.settled(payer, 1)
    expect(cdr?.seconds).toBeGreaterThanOrEqual(Math.floor(talkedMs / 1000))
    expect(cdr?.seconds).toBeLessThanOrEqual(Math.ceil(talkedMs / 1000) + 1)
  })
})

function costs(name: string, perMinute: number): string {
  return `name: ${name}\ncurrency: USD\nrates:\n  - { prefix: 44, perMinute: ${perMinute}, firstIncrement: 1, nextIncrement: 1 }\n`
}
