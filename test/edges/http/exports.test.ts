import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ExportRefusalCode } from '../../../src/exports/export-desk.ts'
import { openRig, type Rig } from './fake-daemon.ts'
import { EXPORT_ID } from './fake-exports.ts'

const folder = mkdtempSync(join(tmpdir(), 'tg-export-'))
const path = join(folder, 'calls.csv')
writeFileSync(path, '0123456789')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let rig: Rig
beforeEach(async () => {
  rig = await openRig({ exportPath: path })
  rig.scene.keys['tg_acme_0123456789abcdef'] = { id: 'acme', scopes: ['usage:read'], account: 'acme' }
})
afterEach(() => rig.server.close())

const url = '/v1/accounts/acme/exports'
const file = `${url}/${EXPORT_ID}/file`

describe('an export', () => {
  it('is asked for by days of the account, and made in the background', async () => {
    const body = { format: 'xlsx', from: '2026-11-01', to: '2026-11-02', user: 'jo', direction: 'outbound' }
    const response = await rig.ask({ method: 'POST', url, body })
    expect(response.statusCode).toBe(202)
    expect(response.headers['location']).toBe(`${url}/${EXPORT_ID}`)
    expect(response.json()).toMatchObject({ id: EXPORT_ID, account: 'acme', state: 'done', href: file, bytes: 10 })
    expect(rig.inputs('createExport')).toEqual([
      {
        account: 'acme',
        content: 'cdrs',
        format: 'xlsx',
        by: 'day',
        heading: true,
        includeDescendants: false,
        direction: 'outbound',
        user: 'jo',
        timezone: 'America/New_York',
        fromMs: Date.UTC(2026, 10, 1, 4),
        untilMs: Date.UTC(2026, 10, 3, 5),
      },
    ])
  })

  it('is of this month so far, unless told otherwise', async () => {
    await rig.ask({ method: 'POST', url, body: {} })
    expect(rig.inputs('createExport')).toMatchObject([
      { fromMs: Date.UTC(2026, 10, 1, 4), untilMs: Date.UTC(2026, 10, 23, 10) + 1 },
    ])
  })

  it.each([
    [{ content: 'everything' }, '/content'],
    [{ format: 'pdf' }, '/format'],
    [{ from: '2026-11-02', to: '2026-11-01' }, '/to'],
    [{ from: '2027-01-01' }, '/from'],
    [{ content: 'usage', user: 'jo' }, '/user'],
    [{ colour: 'red' }, '/colour'],
  ])('of %j is refused by name', async (body, pointer) => {
    const response = await rig.ask({ method: 'POST', url, body })
    expect(response.statusCode).toBe(400)
    expect(response.json<{ errors: { pointer: string }[] }>().errors.map((error) => error.pointer)).toEqual([pointer])
  })

  it.each([
    ['too_many_exports', 409, 'POST', url],
    ['export_unknown', 404, 'GET', `${url}/${EXPORT_ID}`],
    ['export_unknown', 404, 'DELETE', `${url}/${EXPORT_ID}`],
    ['export_unfinished', 409, 'GET', file],
    ['export_elsewhere', 503, 'GET', file],
  ] as const)('that is not given is a problem: %s', async (code: ExportRefusalCode, status, method, place) => {
    rig.scene.exportRefused = { kind: 'refused', code, detail: 'because' }
    const answer = await rig.ask({ method, url: place, ...(method === 'POST' ? { body: {} } : {}) })
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([status, code])
  })

  it('is listed, shown and taken back', async () => {
    expect((await rig.ask({ method: 'GET', url })).json()).toMatchObject({ items: [{ id: EXPORT_ID, rows: 2 }] })
    expect((await rig.ask({ method: 'GET', url: `${url}/${EXPORT_ID}` })).json()).toMatchObject({ progress: 1000 })
    expect((await rig.ask({ method: 'DELETE', url: `${url}/${EXPORT_ID}` })).statusCode).toBe(200)
  })

  it('of another account is not there for the key of one', async () => {
    const key = 'tg_acme_0123456789abcdef'
    const other = `/v1/accounts/other/exports`
    for (const [method, place] of [
      ['POST', other],
      ['GET', other],
      ['GET', `${other}/${EXPORT_ID}`],
      ['GET', `${other}/${EXPORT_ID}/file`],
      ['DELETE', `${other}/${EXPORT_ID}`],
    ] as const) {
      const answer = await rig.ask({ method, url: place, key, ...(method === 'POST' ? { body: {} } : {}) })
      expect(answer.statusCode, place).toBe(404)
    }
    expect((await rig.ask({ method: 'GET', url: file, key })).statusCode).toBe(200)
  })
})

describe('the file of an export', () => {
  it('is sent whole, with its name, type and ETag', async () => {
    const { statusCode, headers, body } = await rig.ask({ method: 'GET', url: file })
    expect([statusCode, body]).toEqual([200, '0123456789'])
    expect(headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="acme-cdrs.csv"',
      'accept-ranges': 'bytes',
      'content-length': '10',
    })
    expect(headers['etag']).toBeTruthy()
  })

  it('goes on where a download broke off, as long as it is the same file', async () => {
    const etag = String((await rig.ask({ method: 'GET', url: file })).headers['etag'])
    const rest = await rig.ask({ method: 'GET', url: file, headers: { range: 'bytes=4-', 'if-range': etag } })
    expect([rest.statusCode, rest.body, rest.headers['content-range']]).toEqual([206, '456789', 'bytes 4-9/10'])
    const changed = await rig.ask({ method: 'GET', url: file, headers: { range: 'bytes=4-', 'if-range': '"old"' } })
    expect([changed.statusCode, changed.body]).toEqual([200, '0123456789'])
  })

  it('has no range beyond its end', async () => {
    const response = await rig.ask({ method: 'GET', url: file, headers: { range: 'bytes=10-' } })
    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([416, 'range_unsatisfiable'])
  })

  it('is not sent to who has it', async () => {
    const etag = String((await rig.ask({ method: 'GET', url: file })).headers['etag'])
    const response = await rig.ask({ method: 'GET', url: file, headers: { 'if-none-match': etag } })
    expect([response.statusCode, response.body]).toEqual([304, ''])
  })
})
