import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Api } from '../../src/cli/api.ts'
import { fileBytes, texts } from '../../src/cli/export-file.ts'
import { until } from '../edges/sip/process.ts'
import { problem, Stub } from './stub.ts'

let stub: Stub
beforeEach(async () => {
  stub = new Stub()
  await stub.open()
})
afterEach(() => stub.close())

const place = '/v1/accounts/acme/exports'
const href = `${place}/x1/file`
const queued = { id: 'x1', state: 'queued', rows: 0, progress: 0 }
const done = { ...queued, state: 'done', rows: 2, progress: 1000, bytes: 12, href }

function daemonMakes(file: string): void {
  stub.on(`POST ${place}`, { status: 202, body: queued })
  stub.on(`GET ${place}/x1`, { body: { ...queued, state: 'running', rows: 1, progress: 500 } }, { body: done })
  stub.on(`GET ${href}`, { body: file, headers: { etag: '"1"' } })
  stub.on(`DELETE ${place}/x1`, { body: done })
}

describe('usage export', () => {
  it('has the file made, waits for it, writes it out and takes it back', async () => {
    daemonMakes('call\r\nA\r\n')
    const words = ['--from', '2026-11-01', '--user', 'jo', '--direction', 'outbound', '--no-heading']
    expect(await stub.run('usage', 'export', 'acme', ...words)).toEqual({ code: 0, out: 'call\r\nA\r\n', err: '' })
    expect(stub.asked[0]).toMatchObject({
      path: place,
      body: {
        content: 'cdrs',
        format: 'csv',
        by: 'day',
        from: '2026-11-01',
        user: 'jo',
        direction: 'outbound',
        heading: false,
      },
    })
    expect(stub.asked.at(-1)).toMatchObject({ method: 'DELETE', path: `${place}/x1` })
  })

  it('draws on a terminal how far it is, and wipes it', async () => {
    stub.terminal = true
    daemonMakes('x')
    const { err } = await stub.run('usage', 'export', 'acme')
    expect(err).toContain('exporting [###############...............] 50 %')
    expect(err.endsWith('\r\u001b[K')).toBe(true)
  })

  it('is a whole file or none', async () => {
    daemonMakes('whole')
    const file = join(stub.folder, 'calls.xlsx')
    const words = ['usage', 'export', 'acme', '--format', 'xlsx', '--output', 'calls.xlsx']
    expect(await stub.run(...words)).toEqual({ code: 0, out: '', err: `Written to ${file}.\n` })
    expect(readFileSync(file, 'utf8')).toBe('whole')

    writeFileSync(file, 'before')
    daemonMakes('whole')
    stub.on(`GET ${href}`, problem(503, 'export_elsewhere', 'not here'))
    expect(await stub.run(...words)).toMatchObject({ code: 1 })
    expect(readFileSync(file, 'utf8')).toBe('before')
    expect(existsSync(`${file}.part`)).toBe(false)
  })

  it('is one list of the records as they are, with --json', async () => {
    daemonMakes('{"call":"A"}\n{"call":"B"}\n')
    const { out } = await stub.run('usage', 'export', 'acme', '--json')
    expect(JSON.parse(out)).toEqual({ items: [{ call: 'A' }, { call: 'B' }] })
    expect(stub.asked[0]?.body).toMatchObject({ format: 'jsonl', heading: false })
    daemonMakes('')
    expect(JSON.parse((await stub.run('usage', 'export', 'acme', '--json')).out)).toEqual({ items: [] })
  })

  it('into a file tells of it as JSON, with --json', async () => {
    daemonMakes('x')
    const { out } = await stub.run('usage', 'export', 'acme', '--output', 'calls.csv', '--json')
    expect(JSON.parse(out)).toEqual({ id: 'x1', rows: 2, href, file: join(stub.folder, 'calls.csv') })
  })

  it('that fails says why', async () => {
    daemonMakes('x')
    stub.on(`GET ${place}/x1`, { body: { ...queued, state: 'failed', reason: 'no space left' } })
    const { code, out, err } = await stub.run('usage', 'export', 'acme')
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain('no space left')
  })

  it('of a workbook needs a file', async () => {
    expect(await stub.run('usage', 'export', 'acme', '--format', 'xlsx')).toMatchObject({ code: 2, out: '' })
    expect(await stub.run('usage', 'export', 'acme', '--format', 'pdf')).toMatchObject({ code: 2, out: '' })
  })

  it('of an account that is not there writes nothing', async () => {
    stub.on(`POST ${place}`, problem(404, 'account_unknown', 'there is no account "acme"'))
    expect(await stub.run('usage', 'export', 'acme')).toMatchObject({ code: 1, out: '' })
  })
})

describe('a download that breaks off', () => {
  const whole = 'abcdefghij'
  let server: Server
  let asked: (string | undefined)[]
  let etags: string[]

  beforeEach(async () => {
    asked = []
    etags = ['"1"', '"1"', '"1"']
    server = createServer((request, response) => {
      asked.push(request.headers.range)
      const etag = etags.shift() ?? '"1"'
      const isSame = request.headers['if-range'] === etag
      const from = isSame ? Number(/\d+/.exec(request.headers.range ?? '')?.[0]) : 0
      response.writeHead(isSame ? 206 : 200, { etag, 'content-length': whole.length - from })
      response.write(whole.slice(from, from + 4), () => {
        if (from + 4 >= whole.length) response.end()
        else setImmediate(() => response.destroy())
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(() => new Promise((resolve) => server.close(resolve)))

  async function fetched(): Promise<string> {
    const { port } = server.address() as AddressInfo
    let all = ''
    for await (const text of texts(fileBytes(new Api({ url: `http://127.0.0.1:${port}`, key: 'k' }), '/file')))
      all += text
    return all
  }

  it('goes on where it stopped', async () => {
    expect(await fetched()).toBe(whole)
    expect(asked).toEqual([undefined, 'bytes=4-', 'bytes=8-'])
  })

  it('and is interrupted leaves no half of a file', async () => {
    const { promise: waiting, resolve: waits } = Promise.withResolvers<undefined>()
    server.removeAllListeners('request')
    server.on('request', (_request, response: ServerResponse) => {
      response.writeHead(200, { etag: '"1"', 'content-length': whole.length })
      response.write(whole.slice(0, 4), () => waits(undefined))
    })
    const { port } = server.address() as AddressInfo
    const file = join(stub.folder, 'calls.csv')
    const api = JSON.stringify({ url: `http://127.0.0.1:${port}`, key: 'k' })
    const script = `
      import { Api } from './src/cli/api.ts'
      import { fileBytes } from './src/cli/export-file.ts'
      import { writeWhole } from './src/cli/whole-file.ts'
      await writeWhole(${JSON.stringify(file)}, fileBytes(new Api(${api}), '/file'))`
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { stdio: 'ignore' })
    await waiting
    await until('some of it is written', () => existsSync(`${file}.part`))
    child.kill('SIGINT')
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
    expect(signal).toBe('SIGINT')
    expect([existsSync(file), existsSync(`${file}.part`)]).toEqual([false, false])
  })

  it('of a file that is another by then is given up', async () => {
    etags = ['"1"', '"2"']
    await expect(fetched()).rejects.toThrow('the file changed while it was fetched')
  })
})
