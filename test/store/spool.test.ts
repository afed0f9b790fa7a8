import { spawn } from 'node:child_process'
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SpooledCall } from '../../src/calls/spooled-call.ts'
import { type FileSpool, openSpool } from '../../src/store/spool.ts'

let dataDir = ''
let logged: unknown[] = []
const open: FileSpool[] = []

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'tg-spool-'))
  logged = []
})

afterEach(async () => {
  for (const spool of open.splice(0)) await spool.close()
  rmSync(dataDir, { recursive: true, force: true })
})

async function spoolHere(options: { readonly maxCalls?: number } = {}): Promise<FileSpool> {
  const log = { error: (line: unknown) => logged.push(line) }
  const spool = await openSpool({ dataDir, log, deadlineMs: 5_000, ...options })
  open.push(spool)
  return spool
}

/** As a crash leaves it: nothing is said to the file, the lock is the kernel's. */
async function reopened(spool: FileSpool): Promise<FileSpool> {
  open.splice(open.indexOf(spool), 1)
  await spool.close()
  return spoolHere()
}

const file = (slot = 0): string => join(dataDir, 'outage', `calls-${slot}.jsonl`)

function call(key: string): SpooledCall {
  return {
    legKey: key,
    call: `01ARZ3NDEK${key}`,
    leg: { node: 'kam1', callId: `${key}@host`, legId: 'tag' },
    account: 'acme',
    currency: 'USD',
    direction: 'outbound',
    from: '+12125550100',
    to: '+13105550123',
    ref: { hEntry: 1, hId: 2 },
    content: '["acme"]',
    allowedAtMs: 1_800_000_000_000,
    capSeconds: 60,
  }
}

describe('the spool', () => {
  it('has a call on disk before it says so, and finds it again', async () => {
    const spool = await spoolHere()
    await spool.add(call('A'))
    expect(readFileSync(file(), 'utf8')).toBe(`${JSON.stringify({ add: call('A') })}\n`)
    await spool.add(call('B'))
    await spool.remove('A')
    const again = await reopened(spool)
    expect(again.all()).toEqual([call('B')])
    expect(again.find('B')).toEqual(call('B'))
    expect(again.size).toBe(1)
  })

  it('is for the eyes of the daemon only', async () => {
    await spoolHere()
    expect(statSync(join(dataDir, 'outage')).mode & 0o777).toBe(0o700)
    expect(statSync(file()).mode & 0o777).toBe(0o600)
  })

  it('leaves out a torn last line: its call was never allowed', async () => {
    const spool = await spoolHere()
    await spool.add(call('A'))
    await spool.add(call('B'))
    truncateSync(file(), statSync(file()).size - 7)
    const again = await reopened(spool)
    expect(again.all()).toEqual([call('A')])
    await again.add(call('C'))
    expect((await reopened(again)).all()).toEqual([call('A'), call('C')])
    expect(logged).toEqual([])
  })

  it('keeps a copy of what it cannot read, and the rest', async () => {
    const spool = await spoolHere()
    await spool.add(call('A'))
    appendFileSync(file(), '{"add":{"legKey":7}}\n????\n')
    await spool.add(call('B'))
    const again = await reopened(spool)
    expect(again.all()).toEqual([call('A'), call('B')])
    expect(logged).toEqual([{ damaged: 2, kept: `${file()}.damaged` }])
    expect(readFileSync(`${file()}.damaged`, 'utf8')).toContain('????')
  })

  it('writes many calls at once with few syncs, and all of them', async () => {
    const spool = await spoolHere()
    const keys = Array.from({ length: 500 }, (_, at) => `K${at}`)
    await Promise.all(keys.map((key) => spool.add(call(key))))
    expect((await reopened(spool)).all().map(({ legKey }) => legKey)).toEqual(keys)
  })

  it('does not grow with the calls that have gone', async () => {
    const spool = await spoolHere()
    await spool.add(call('STAYS'))
    for (let at = 0; at < 600; at += 1) {
      await spool.add(call(`K${at}`))
      await spool.remove(`K${at}`)
    }
    expect(readFileSync(file(), 'utf8').split('\n').length).toBeLessThan(1_010)
    expect((await reopened(spool)).all()).toEqual([call('STAYS')])
  })

  it('refuses a call when it is full', async () => {
    const spool = await spoolHere({ maxCalls: 2 })
    await spool.add(call('A'))
    await spool.add(call('B'))
    await expect(spool.add(call('C'))).rejects.toMatchObject({ code: 'store_overloaded' })
    expect(spool.find('C')).toBeUndefined()
  })

  it('forgets a call that cannot be written', async () => {
    const spool = await spoolHere()
    await spool.close()
    await expect(spool.add(call('A'))).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(spool.find('A')).toBeUndefined()
  })
})

describe('daemons on one data folder', () => {
  it('have a file each, and take over what one left that has ended', async () => {
    const first = await spoolHere()
    const second = await spoolHere()
    await first.add(call('A'))
    await second.add(call('B'))
    expect(second.all()).toEqual([call('B')])
    await second.close()
    await first.close()
    open.splice(0)
    const third = await spoolHere()
    expect(third.all()).toEqual([call('A'), call('B')])
    expect(readFileSync(file(1), 'utf8')).toBe('')
    const fourth = await spoolHere()
    expect(fourth.all()).toEqual([])
  })

  it('leave their calls to the next when they are killed', async () => {
    const script = join(dataDir, 'daemon.ts')
    const module = new URL('../../src/store/spool.ts', import.meta.url).href
    writeFileSync(
      script,
      `import { openSpool } from '${module}'
       const spool = await openSpool({ dataDir: ${JSON.stringify(dataDir)}, log: { error: () => undefined } })
       await spool.add(${JSON.stringify(call('A'))})
       process.stdout.write('allowed\\n')
       setInterval(() => undefined, 1000)`,
    )
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve))
    const beside = await spoolHere()
    expect(beside.all()).toEqual([])
    await beside.close()
    open.splice(0)
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    expect((await spoolHere()).all()).toEqual([call('A')])
    expect(readdirSync(join(dataDir, 'outage')).filter((name) => name.endsWith('.new'))).toEqual([])
  })
})
