/** The HTTP edge: edges, billing jobs and operators on one port. */
import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { addAccountRoutes } from './accounts/account-routes.ts'
import { addMoneyRoutes } from './accounts/money-routes.ts'
import { addPoolRoutes } from './accounts/pool-routes.ts'
import { addReceiptRoutes } from './accounts/receipt-routes.ts'
import { addReportRoutes } from './accounts/report-routes.ts'
import { addUsageRoutes } from './accounts/usage-routes.ts'
import { authorization, refuseOpenRoutes } from './auth.ts'
import { addCallRoutes } from './calls/call-routes.ts'
import { addDecideRoutes } from './calls/decide-routes.ts'
import { addEventRoutes } from './calls/event-routes.ts'
import { UnknownFields } from './calls/unknown-fields.ts'
import { errorHandler, problemOf, sendProblem } from './errors.ts'
import { check, invalidInput, type Place } from './input.ts'
import { answerUnknownPaths } from './not-found.ts'
import { addReference } from './openapi.ts'
import { addExportRoutes } from './exports/export-routes.ts'
import { addStreamRoutes } from './events/stream-routes.ts'
import { BOARD_PATH, boardPath } from './ops/board-path.ts'
import { addJobRoutes } from './ops/job-routes.ts'
import { addKeyRoutes } from './ops/key-routes.ts'
import { addOpsRoutes } from './ops/ops-routes.ts'
import type { HttpParts } from './parts.ts'
import { HttpProblem } from './problem.ts'
import type { HttpServer } from './server-type.ts'
import { answerBrokenRequest } from './socket-errors.ts'
import { addCardRoutes } from './payments/card-routes.ts'
import { addProviderWebhook, addReconcileRoute } from './payments/provider-routes.ts'
import { addPurchaseRoutes } from './payments/purchase-routes.ts'
import { addBundleRoutes } from './payments/bundle-routes.ts'
import { addRechargeRoutes } from './payments/recharge-routes.ts'
import { addRerateRoute } from './rerating/rerate-route.ts'
import { addStatementRoutes } from './statements/statement-routes.ts'
import { addStorageRoutes } from './storage/storage-routes.ts'
import { addTariffRoutes } from './tariffs/tariff-routes.ts'
import { addVersionUpload } from './tariffs/version-upload.ts'
import { addWebhookRoutes } from './webhooks/webhook-routes.ts'
import { parseForm } from './wire/form-text.ts'
import { parseJson } from './wire/json-text.ts'

const BODY_BYTES = 1024 * 1024

export interface HttpLimits {
  /** More are closed at once. */
  readonly connections: number
  /** Headers are there within this. */
  readonly headersMs: number
  /** The whole request is there within this, also a price book. */
  readonly requestMs: number
  /** How often both are looked at. */
  readonly checkEveryMs: number
  /** A connection that is not used is closed after this, which is longer than switches keep theirs. */
  readonly idleMs: number
}

const LIMITS: HttpLimits = {
  connections: 8_192,
  headersMs: 30_000,
  requestMs: 300_000,
  checkEveryMs: 5_000,
  idleMs: 65_000,
}

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\b/

export type { HttpServer } from './server-type.ts'

/** Ready to listen. */
export async function createHttpServer(parts: HttpParts, limits = LIMITS): Promise<HttpServer> {
  const server = fastify({
    logger: false,
    bodyLimit: BODY_BYTES,
    keepAliveTimeout: limits.idleMs,
    requestTimeout: limits.requestMs,
    http: { headersTimeout: limits.headersMs, connectionsCheckingInterval: limits.checkEveryMs },
    return503OnClosing: false,
    routerOptions: { maxParamLength: 512 },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => {
      const problem = problemOf(error) ?? new HttpProblem('malformed_request', 'the request cannot be read')
      sendProblem(request, reply, problem)
    },
  }).withTypeProvider<ZodTypeProvider>()

  server.server.maxConnections = limits.connections
  server.setValidatorCompiler(validatorOf)
  server.setSerializerCompiler(() => (data) => JSON.stringify(data))
  server.setErrorHandler(errorHandler(parts))
  server.decorateRequest('key', undefined)
  addHeaders(server, parts)
  if (parts.board) await server.register(boardPath(parts, parts.board), { prefix: BOARD_PATH })
  server.addHook('onRequest', authorization(parts.keys))
  server.removeAllContentTypeParsers()
  server.addHook('onRoute', refuseOpenRoutes)
  answerUnknownPaths(server)
  await addReference(server)
  await server.register(callPath(parts))
  await server.register(adminPath(parts))
  await server.register(providerPath(parts))
  await server.ready()
  return server
}

const PLACES: Readonly<Record<string, Place>> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'header',
}

function validatorOf({ schema, httpPart = 'body' }: { readonly schema: unknown; readonly httpPart?: string }) {
  if (!(schema instanceof z.ZodType)) throw new TypeError('a schema is one of zod')
  return (input: unknown) => {
    const result = check(schema, input ?? undefined, PLACES[httpPart])
    return result.ok ? { value: result.value } : { error: invalidInput(result.errors) }
  }
}

/** Answers are for whoever asked, now; while the daemon drains, callers move to another. */
function addHeaders(server: FastifyInstance, { health }: HttpParts): void {
  // By callback: it is called for every request, and a promise costs more than it does.
  server.addHook('onSend', (...[, reply, payload, done]) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff')
    if (health.draining()) reply.header('connection', 'close')
    done(null, payload)
  })
}

/** Edges may send forms, and ids of any bytes. */
function callPath(parts: HttpParts) {
  return async (scope: FastifyInstance): Promise<void> => {
    const server = scope.withTypeProvider<ZodTypeProvider>()
    const unknown = new UnknownFields(parts)
    server.addContentTypeParser(
      JSON_TYPE,
      { parseAs: 'buffer' },
      parser((body) => parseJson(body, { anyBytes: true })),
    )
    server.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'buffer' }, parser(parseFormOrJson))
    addDecideRoutes(server, parts, unknown)
    addEventRoutes(server, parts, unknown)
  }
}

/** What it throws is the request's error. */
function parser(read: (body: Buffer) => unknown) {
  return (_request: FastifyRequest, body: Buffer, done: (error: Error | null, body?: unknown) => void): void => {
    let value: unknown
    try {
      value = read(body)
    } catch (error) {
      done(error as Error)
      return
    }
    done(null, value)
  }
}

/** What clients send JSON as when they are not told otherwise. */
function parseFormOrJson(body: Buffer): unknown {
  const first = String.fromCharCode(body[0] ?? 0)
  return first === '{' || first === '[' ? parseJson(body, { anyBytes: true }) : parseForm(body)
}

function adminPath(parts: HttpParts) {
  return async (scope: FastifyInstance): Promise<void> => {
    const server = scope.withTypeProvider<ZodTypeProvider>()
    server.addContentTypeParser(
      JSON_TYPE,
      { parseAs: 'buffer' },
      parser((body) => parseJson(body, { anyBytes: false })),
    )
    addCallRoutes(server, parts)
    addAccountRoutes(server, parts)
    addPoolRoutes(server, parts)
    addReceiptRoutes(server, parts)
    addMoneyRoutes(server, parts)
    addReportRoutes(server, parts)
    addUsageRoutes(server, parts)
    addExportRoutes(server, parts)
    addRerateRoute(server, parts)
    addStatementRoutes(server, parts)
    addStorageRoutes(server, parts)
    addCardRoutes(server, parts)
    addPurchaseRoutes(server, parts)
    addRechargeRoutes(server, parts)
    addBundleRoutes(server, parts)
    addReconcileRoute(server, parts)
    addTariffRoutes(server, parts)
    await server.register(async (uploads) => addVersionUpload(uploads.withTypeProvider<ZodTypeProvider>(), parts))
    addWebhookRoutes(server, parts)
    addStreamRoutes(server, parts)
    addJobRoutes(server, parts)
    addKeyRoutes(server, parts)
    addOpsRoutes(server, parts)
  }
}

/** Webhooks of payment providers: their bodies are bytes, as the signature is of them. */
function providerPath(parts: HttpParts) {
  return async (scope: FastifyInstance): Promise<void> => {
    const server = scope.withTypeProvider<ZodTypeProvider>()
    server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    addProviderWebhook(server, parts)
  }
}
