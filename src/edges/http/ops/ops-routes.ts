/** Health, figures, the books held against the journal, and the reference of all this. */
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { json, operation, text } from '../operation.ts'
import type { HttpParts } from '../parts.ts'
import { RETRY_AFTER_SECONDS } from '../problem.ts'
import type { HttpServer } from '../server-type.ts'

const healthSchema = z.object({
  status: z.enum(['ok', 'starting', 'draining', 'not_ready']),
  detail: z.record(z.string(), z.unknown()).optional(),
})

const auditSchema = z.object({
  ok: z.boolean(),
  entries: z.int().describe('Journal entries that were replayed.'),
  checkpointed: z.int().describe('Entries before them, which left the journal: checkpoints stand for them.'),
  accounts: z.int(),
  partitions: z.int(),
  problems: z.array(z.string()),
})

const archiveSchema = z.object({
  kind: z.enum(['postgresql', 'embedded']),
  entries: z.int().describe('Journal entries that are archived.'),
  behind: z.int().describe('Journal entries of the store that are not.'),
  cdrs: z.int(),
  accounts: z.int(),
  lost: z.int().describe('Entries and CDRs that were archived and that the store lost.'),
})

export function addOpsRoutes(server: HttpServer, parts: HttpParts): void {
  addHealth(server, parts)
  const metrics = operation(
    {
      id: 'showMetrics',
      summary: 'Figures for Prometheus.',
      tag: 'Operation',
      needs: 'ops:read',
      wholeInstallation: true,
      answers: { 200: text('Prometheus text format.') },
    },
    {},
  )
  server.get('/metrics', metrics, async (_request, reply) =>
    reply.header('content-type', parts.metrics.contentType).send(await parts.metrics.text()),
  )

  const verify = operation(
    {
      id: 'verifyAudit',
      summary: 'Replays the journal and holds the balances against it.',
      tag: 'Operation',
      needs: 'audit:read',
      wholeInstallation: true,
      answers: { 200: json(auditSchema, 'What was found.') },
    },
    { body: z.strictObject({}).optional() },
  )
  server.post('/v1/audit/verify', verify, async () => parts.audit.verify())

  addArchive(server, parts)

  const reference = operation(
    {
      id: 'showReference',
      summary: 'This document.',
      tag: 'Operation',
      needs: 'any key',
      answers: { 200: json(z.looseObject({ openapi: z.string() }), 'OpenAPI 3.1.') },
    },
    {},
  )
  server.get('/openapi.json', reference, () => server.swagger())
}

function addArchive(server: HttpServer, { archive }: HttpParts): void {
  const words = { tag: 'Operation', wholeInstallation: true } as const
  const status = operation(
    {
      id: 'showArchive',
      summary: 'What is archived, and how far it is behind the store.',
      needs: 'ops:read',
      answers: { 200: json(archiveSchema, 'How it stands.') },
      ...words,
    },
    {},
  )
  server.get('/v1/archive', status, () => archive.status())

  const verify = operation(
    {
      id: 'verifyArchive',
      summary:
        'Replays the archived journal and holds the balances against it, and the archived CDRs against the journal.',
      needs: 'audit:read',
      answers: { 200: json(auditSchema, 'What was found.') },
      ...words,
    },
    { body: z.strictObject({}).optional() },
  )
  server.post('/v1/archive/verify', verify, () => archive.verify())
}

function addHealth(server: HttpServer, { health }: HttpParts): void {
  const answers = { 200: json(healthSchema, 'Yes.'), 503: json(healthSchema, 'No.') }
  const words = { tag: 'Operation', needs: 'no key', answers } as const

  server.get('/livez', operation({ id: 'isAlive', summary: 'Does the process answer?', ...words }, {}), () => ({
    status: 'ok',
  }))

  const started = operation({ id: 'isStarted', summary: 'Has the daemon started?', ...words }, {})
  server.get('/startupz', started, (_request, reply) => {
    if (health.started()) return { status: 'ok' }
    return notNow(reply, { status: 'starting' })
  })

  const ready = operation({ id: 'isReady', summary: 'Can calls be decided?', ...words }, {})
  server.get('/readyz', ready, async (_request, reply) => {
    const { ready: isReady, detail } = await health.ready()
    if (health.draining()) return notNow(reply, { status: 'draining', detail })
    return isReady ? { status: 'ok', detail } : notNow(reply, { status: 'not_ready', detail })
  })
}

function notNow(reply: FastifyReply, body: z.infer<typeof healthSchema>): FastifyReply {
  return reply.code(503).header('retry-after', RETRY_AFTER_SECONDS).send(body)
}
