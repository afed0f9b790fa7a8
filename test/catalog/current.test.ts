import { appendFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { CurrentCatalog } from '../../src/catalog/current.ts'
import { formatProblem } from '../../src/catalog/problems.ts'
import { keepStarted, restartPaths } from '../../src/catalog/restart.ts'
import { aFolder, aTariff } from './a-folder.ts'

const good = { 'tollgate.yaml': 'http: { port: 1000 }\ncalls: { sliceSeconds: 20 }\n', 'tariffs/t.yaml': aTariff }

describe('the catalog in force', () => {
  it('is the folder as it was when it was read', async () => {
    const folder = await aFolder(good)
    const current = await CurrentCatalog.open(folder)
    const { settings, tariffs } = current.inForce
    await folder.write({ 'tollgate.yaml': 'calls: { sliceSeconds: 30 }\n' })
    expect([settings.calls.sliceSeconds, tariffs.size]).toEqual([20, 1])
    expect(current.inForce.settings).toBe(settings)
  })

  it('is not there when the first folder is bad', async () => {
    const folder = await aFolder({ 'tollgate.yaml': 'partitions: 0\n' })
    await expect(CurrentCatalog.open(folder)).rejects.toMatchObject({
      code: 'config_invalid',
      message: 'the configuration is not valid:\ntollgate.yaml:1:13: partitions: must be at least 1, not 0',
    })
  })

  it('is replaced by a reload', async () => {
    const folder = await aFolder(good)
    const current = await CurrentCatalog.open(folder)
    await folder.write({
      'tollgate.yaml': 'http: { port: 1000 }\ncalls: { sliceSeconds: 30 }\n',
      'tariffs/u.yaml': aTariff,
    })
    const result = await current.reload()
    expect(result).toMatchObject({ kind: 'reloaded', needRestart: [], warnings: [] })
    expect(result.kind === 'reloaded' && result.catalog).toBe(current.inForce)
    expect([current.inForce.settings.calls.sliceSeconds, [...current.inForce.tariffs.keys()]]).toEqual([30, ['t', 'u']])
  })

  it('stays as it is when the folder is bad, and is replaced when it is good again', async () => {
    const folder = await aFolder(good)
    const current = await CurrentCatalog.open(folder)
    const before = current.inForce
    await folder.write({ 'tollgate.yaml': 'calls: { sliceSeconds: 40 }\n', 'trunks.yaml': 'trunks: [{ name: t }]\n' })
    const kept = await current.reload()
    expect(kept.kind === 'kept' && kept.problems.map(formatProblem)).toEqual([
      'trunks.yaml:1:10: trunks[0].account: is missing',
    ])
    expect(current.inForce).toBe(before)
    await folder.remove('trunks.yaml')
    expect(await current.reload()).toMatchObject({ kind: 'reloaded' })
    expect(current.inForce.settings.calls.sliceSeconds).toBe(40)
  })

  it('keeps the tariffs whose files have not changed', async () => {
    const folder = await aFolder({ ...good, 'tariffs/u.yaml': aTariff })
    const current = await CurrentCatalog.open(folder)
    const before = current.inForce
    await folder.write({ 'tariffs/u.yaml': aTariff.replace('0.02', '0.03') })
    await current.reload()
    expect(current.inForce.tariffs.get('t')).toBe(before.tariffs.get('t'))
    expect(current.inForce.tariffs.get('u')?.rows[0]?.perMinute).toBe('0.03')
  })

  it('goes on with the started values of settings that need a restart, and names them each time', async () => {
    const folder = await aFolder(good)
    const current = await CurrentCatalog.open(folder)
    const changed = 'http: { port: 2000 }\ncalls: { sliceSeconds: 30 }\nroles: [decide]\nredis: { maxInFlight: 900 }\n'
    await folder.write({ 'tollgate.yaml': changed })
    for (const _ of [1, 2]) {
      expect(await current.reload()).toMatchObject({ needRestart: ['http.port', 'redis.maxInFlight', 'roles'] })
      const { http, calls, roles, redis } = current.inForce.settings
      expect([http.port, calls.sliceSeconds, roles, redis.maxInFlight]).toEqual([
        1000,
        30,
        ['decide', 'clock', 'jobs', 'archive'],
        512,
      ])
    }
  })

  it('is one of the good folders at every moment of a storm of reloads, and the last one after it', async () => {
    const folder = await aFolder(good)
    const current = await CurrentCatalog.open(folder)
    const seen = new Set<unknown>()
    const results: unknown[] = []
    const waits: Promise<unknown>[] = []
    for (let round = 1; round <= 40; round += 1) {
      const bad = round % 3 === 0
      await folder.write({
        'tollgate.yaml': bad ? 'calls: { sliceSeconds: none }\n' : `calls: { sliceSeconds: ${String(100 + round)} }\n`,
      })
      for (let again = 0; again < 5; again += 1) {
        waits.push(
          current.reload().then((result) => {
            results.push(result)
            seen.add(current.inForce.settings.calls.sliceSeconds)
          }),
        )
      }
    }
    await Promise.all(waits)
    expect(results).toHaveLength(200)
    expect(current.inForce.settings.calls.sliceSeconds).toBe(140)
    const allowed = [20, ...Array.from({ length: 40 }, (_, at) => 101 + at).filter((slice) => (slice - 100) % 3 !== 0)]
    expect([...seen].filter((slice) => !allowed.includes(slice as number))).toEqual([])
  })

  it('is not replaced by a folder that is still being written', async () => {
    const folder = await aFolder(good)
    const current = await CurrentCatalog.open(folder)
    const before = current.inForce
    await folder.write({ 'tollgate.yaml': '' })
    expect(await current.reload()).toMatchObject({ kind: 'kept' })
    const rows = Array.from({ length: 20_000 }, (_, at) => `${String(at + 10_000)},0.01`)
    await folder.write({ ...good, 'tariffs/big.yaml': 'currency: USD\nrates: big.csv\n' })
    await folder.write({ 'tariffs/big.csv': `prefix,per_minute\n${rows.join('\n')}\n` })
    const writing = { on: true }
    const writer = (async () => {
      while (writing.on) {
        await appendFile(folder.path('tariffs/big.csv'), ',\n')
        await new Promise(setImmediate)
      }
    })()
    const result = await current.reload()
    writing.on = false
    await writer
    expect(result.kind === 'kept' && result.problems.map(({ message }) => message)).toEqual([
      'the files change while they are read; try again when they are written',
    ])
    expect(current.inForce).toBe(before)
  })

  it('is read twice at most for any number of requests at once', async () => {
    const folder = await aFolder(good)
    const current = await CurrentCatalog.open(folder)
    const first = current.reload()
    const waiting = Array.from({ length: 100 }, async () => current.reload())
    const results = new Set([await first, ...(await Promise.all(waiting))])
    expect(results.size).toBe(1)
    const running = current.reload()
    await new Promise(setImmediate)
    const late = Array.from({ length: 100 }, async () => current.reload())
    expect(new Set([await running, ...(await Promise.all(late))]).size).toBe(2)
  })

  it('shows a reload whatever was written before it was asked for', async () => {
    const folder = await aFolder(good)
    const current = await CurrentCatalog.open(folder)
    const running = current.reload()
    await new Promise(setImmediate)
    await folder.write({ 'tollgate.yaml': 'calls: { sliceSeconds: 77 }\n' })
    const late = await current.reload()
    await running
    expect(late.kind === 'reloaded' && late.catalog.settings.calls.sliceSeconds).toBe(77)
  })
})

describe('settings that need a restart', () => {
  it('are those that are read once', () => {
    const groups = new Set(restartPaths().map(([group]) => group))
    expect([...groups]).toEqual([
      'dataDir',
      'databaseUrl',
      'apiKey',
      'http',
      'redis',
      'partitions',
      'roles',
      'callControl',
      'sip',
      'mail',
      'configDir',
    ])
  })

  it('are all that differ, and no more', async () => {
    const { inForce } = await CurrentCatalog.open(await aFolder(good))
    const wanted = {
      ...inForce.settings,
      log: { level: 'debug', decisions: false },
      databaseUrl: 'postgres://h/d',
    } as const
    const { settings, needRestart } = keepStarted(inForce.settings, wanted)
    expect([needRestart, settings.databaseUrl, settings.log.level]).toEqual([['databaseUrl'], undefined, 'debug'])
  })
})
