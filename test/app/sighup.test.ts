/** SIGHUP puts the config folder in force anew, and nothing of it twice. */
import { beforeEach, describe, expect, it } from 'vitest'
import { type Daemon, Home, tariffYaml } from './bench.ts'

const ACCOUNTS = [
  'accounts:',
  '  - { id: filed, name: Filed, tariff: bench, credit: 1000.00 }',
  '  - { id: poor, name: Poor, tariff: bench }',
  '',
].join('\n')

let home: Home
let daemon: Daemon

beforeEach(async ({ onTestFinished }) => {
  home = await Home.make(onTestFinished, { 'accounts.yaml': ACCOUNTS })
  daemon = await home.daemon()
}, 20_000)

async function reloaded(times: number): Promise<void> {
  daemon.signal('SIGHUP')
  await daemon.says('the configuration was reloaded', times)
}

async function versions(): Promise<readonly number[]> {
  const { items } = await daemon.must('GET', '/v1/tariffs/bench/versions')
  return (items as readonly { readonly version: number }[]).map(({ version }) => version)
}

const reserved = async (callId: string): Promise<string | undefined> =>
  (await daemon.authorize('filed', callId)).reserved

describe('a tariff file', { timeout: 40_000 }, () => {
  it('that changed is a new version for calls from then on, not for those under way', async () => {
    await daemon.authorize('filed', 'early')
    await daemon.event('start', 'early')
    await home.write('tariffs/bench.yaml', tariffYaml(120))
    expect(await reserved('before')).toBe('60.000000')
    await reloaded(1)
    expect(await reserved('after')).toBe('120.000000')
    expect(await versions()).toEqual([2, 1])
    for (const callId of ['early', 'after']) await daemon.event('stop', callId, { seconds: 10 })
    const cdrs = await daemon.cdrs('filed')
    expect(cdrs.map(({ callId, charge, rate }) => [callId, charge, rate?.version]).toSorted()).toEqual([
      ['after', '20.000000', 2],
      ['early', '10.000000', 1],
    ])

    // Comments are no change; the old prices are one.
    await home.write('tariffs/bench.yaml', `# dearer\n${tariffYaml(120)}`)
    await reloaded(2)
    expect(await versions()).toEqual([2, 1])
    await home.write('tariffs/bench.yaml', tariffYaml(60))
    await reloaded(3)
    expect(await reserved('again')).toBe('60.000000')
    expect(await daemon.drifts()).toEqual([])
  })

  it('that did not change leaves what an operator put in force, also after a restart', async () => {
    const rates = [{ prefix: '44', perMinute: '30', firstIncrement: 1, nextIncrement: 1 }]
    await daemon.must('POST', '/v1/tariffs/bench/versions', { currency: 'USD', rates })
    await daemon.must('POST', '/v1/tariffs/bench/versions/2/activate')
    await reloaded(1)
    expect(await reserved('reloaded')).toBe('30.000000')
    await daemon.stop()
    daemon = await home.daemon()
    expect(await reserved('restarted')).toBe('30.000000')
    expect(await versions()).toEqual([2, 1])
  })

  it('that is bad changes nothing, with file and line in the log', async () => {
    const bad = tariffYaml(120).replace('firstIncrement: 1', 'firstIncrement: -1')
    await home.write('tariffs/bench.yaml', bad)
    await home.write('tollgate.yaml', 'defaults: { tariff: bench, currency: USD }\ncalls: { sliceSeconds: 30 }\n')
    daemon.signal('SIGHUP')
    const [line] = await daemon.says('the configuration is not valid; the old one stays in force')
    expect(line?.level).toBe('error')
    expect(line?.['problems']).toMatchObject([{ file: 'tariffs/bench.yaml', line: 5 }])
    expect(await reserved('same')).toBe('60.000000')
    expect(await versions()).toEqual([1])

    await home.write('tariffs/bench.yaml', tariffYaml(120))
    await reloaded(1)
    // Half the slice, at twice the price.
    expect(await reserved('mended')).toBe('60.000000')
    expect(await versions()).toEqual([2, 1])
  })
})

describe('an account of the config folder', { timeout: 40_000 }, () => {
  it('is created once, and never applied again: not changed, not when the API made it, not when it is closed', async () => {
    const before = await daemon.balance('filed')
    expect(before.credit).toBe('1000.000000')
    await daemon.must('PATCH', '/v1/accounts/poor', { name: 'Renamed', status: 'closed' })
    await daemon.account('mine', { credit: '1.00' })
    await home.write(
      'accounts.yaml',
      [
        'accounts:',
        '  - { id: filed, name: Other, tariff: bench, credit: 5000.00, creditLimit: 77.00 }',
        '  - { id: poor, name: Poor, tariff: bench, credit: 9.00, pools: [{ name: gift, seconds: 600, resets: never }] }',
        '  - { id: mine, name: Theirs, tariff: bench, credit: 50.00 }',
        '  - { id: newcomer, name: New, tariff: bench, credit: 3.00 }',
        '',
      ].join('\n'),
    )
    await reloaded(1)
    expect((await daemon.balance('newcomer')).credit).toBe('3.000000')
    await daemon.stop()
    daemon = await home.daemon()
    expect(await daemon.balance('filed')).toEqual(before)
    expect(await daemon.must('GET', '/v1/accounts/filed')).toMatchObject({ name: 'Filed', creditLimit: '0.000000' })
    expect(await daemon.must('GET', '/v1/accounts/poor')).toMatchObject({ name: 'Renamed', status: 'closed' })
    expect(await daemon.balance('poor')).toMatchObject({ credit: '0.000000', pools: [] })
    expect(await daemon.must('GET', '/v1/accounts/mine')).toMatchObject({ name: 'mine' })
    expect((await daemon.balance('mine')).credit).toBe('1.000000')
    expect((await daemon.balance('newcomer')).credit).toBe('3.000000')
    expect(await daemon.drifts()).toEqual([])
  })
})
