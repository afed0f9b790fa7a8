/** Tables that are made in the background: asked for, watched, fetched in parts, taken back. */
import { basename, dirname } from 'node:path'
import { send } from '@fastify/send'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { ExportRefused } from '../../../exports/export-desk.ts'
import { accountParams } from '../accounts/account-routes.ts'
import { given } from '../../../accounts/profile.ts'
import { profileFor } from '../access.ts'
import { keyOf } from '../auth.ts'
import { badField } from '../input.ts'
import { type Answer, json, operation } from '../operation.ts'
import type { HttpParts } from '../parts.ts'
import { HttpProblem } from '../problem.ts'
import { periodOf } from '../range.ts'
import type { HttpServer } from '../server-type.ts'
import { exportBody, exportJson, exportParams, exportSchema } from './export-bodies.ts'

const words = { tag: 'Reports', needs: 'usage:read' } as const

export function addExportRoutes(server: HttpServer, parts: HttpParts): void {
  addOrders(server, parts)
  addLooks(server, parts)
  addFile(server, parts)
}

function addOrders(server: HttpServer, { office, exports, clock }: HttpParts): void {
  const create = operation(
    {
      id: 'createExport',
      summary: 'Has a table made in the background: ended calls, journal entries or usage.',
      description: 'Without from and to: this month so far, in the time zone of the account.',
      answers: { 202: json(exportSchema, 'It is made; look at it until its state is `done`.') },
      problems: [404, 409],
      ...words,
    },
    { params: accountParams, body: exportBody },
  )
  server.post('/v1/accounts/:account/exports', create, async (request, reply) => {
    const { account } = request.params
    const { timezone } = await profileFor(office, keyOf(request), account)
    const { from, to, ...order } = request.body
    for (const field of ['direction', 'user'] as const) {
      if (order.content !== 'cdrs' && order[field] !== undefined) throw badField(`/${field}`, 'is of CDRs only')
    }
    const period = periodOf(given({ from, to }), { timezone, nowMs: clock.nowMs(), place: 'body' })
    const made = accepted(await exports.create({ ...order, ...period, account, timezone }))
    reply.code(202).header('location', `/v1/accounts/${account}/exports/${made.id}`)
    return exportJson(made)
  })

  const remove = operation(
    {
      id: 'removeExport',
      summary: 'Takes an export back, with its file.',
      answers: { 200: json(exportSchema, 'It is gone.') },
      problems: [404],
      ...words,
    },
    { params: exportParams },
  )
  server.delete('/v1/accounts/:account/exports/:export', remove, async (request) => {
    const { account, export: id } = request.params
    await profileFor(office, keyOf(request), account)
    return exportJson(accepted(await exports.remove(account, id)))
  })
}

function addLooks(server: HttpServer, { office, exports }: HttpParts): void {
  const list = operation(
    {
      id: 'listExports',
      summary: 'Exports of an account that have not expired, the newest first.',
      answers: { 200: json(z.object({ items: z.array(exportSchema) }), 'All of them.') },
      problems: [404],
      ...words,
    },
    { params: accountParams },
  )
  server.get('/v1/accounts/:account/exports', list, async (request) => {
    const { account } = request.params
    await profileFor(office, keyOf(request), account)
    return { items: (await exports.list(account)).map(exportJson) }
  })

  const show = operation(
    {
      id: 'showExport',
      summary: 'How far an export is.',
      answers: { 200: json(exportSchema, 'The export.') },
      problems: [404],
      ...words,
    },
    { params: exportParams },
  )
  server.get('/v1/accounts/:account/exports/:export', show, async (request) => {
    const { account, export: id } = request.params
    await profileFor(office, keyOf(request), account)
    return exportJson(accepted(await exports.find(account, id)))
  })
}

const FILE_TYPES = {
  csv: 'text/csv; charset=utf-8',
  jsonl: 'application/x-ndjson',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
} as const

function addFile(server: HttpServer, { office, exports }: HttpParts): void {
  const bytes = z.string().describe('The bytes of the file.')
  const schema = { schema: bytes }
  const content: Answer['content'] = { 'text/csv': schema, [FILE_TYPES.jsonl]: schema, [FILE_TYPES.xlsx]: schema }
  const file = operation(
    {
      id: 'fetchExport',
      summary: 'The file of an export that is done, or a range of it.',
      description: 'With Range and If-Range: ETag a download that broke off goes on where it stopped.',
      answers: {
        200: { description: 'All of it.', content },
        206: { description: 'The range that was asked for.', content },
        304: { description: 'The file is the one that If-None-Match names; nothing is sent.', content },
      },
      problems: [404, 409, 416, 503],
      ...words,
    },
    { params: exportParams },
  )
  server.get('/v1/accounts/:account/exports/:export/file', file, async (request, reply) => {
    const { account, export: id } = request.params
    await profileFor(office, keyOf(request), account)
    const made = accepted(await exports.find(account, id))
    const path = await exports.fileOf(account, id)
    if (typeof path !== 'string') throw problemOf(path)
    const { format } = made.order
    reply.header('content-disposition', `attachment; filename="${account}-${made.order.content}.${format}"`)
    return sendFile(request, reply, { path, type: FILE_TYPES[format] })
  })
}

/** Ranges and conditions as RFC 9110 has them. */
async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  { path, type }: { readonly path: string; readonly type: string },
): Promise<FastifyReply> {
  const options = { root: dirname(path), contentType: false, cacheControl: false }
  const found = await send(request.raw, basename(path), options)
  if (found.statusCode === 416) throw new HttpProblem('range_unsatisfiable', 'the file is not so long')
  if (found.type === 'error') throw found.metadata.error
  reply.code(found.statusCode).headers(found.headers).header('content-type', type)
  return reply.send(found.stream)
}

function accepted<Made extends object>(made: Made | ExportRefused): Made {
  if ('code' in made) throw problemOf(made)
  return made
}

function problemOf({ code, detail }: ExportRefused): HttpProblem {
  return new HttpProblem(code, detail)
}
