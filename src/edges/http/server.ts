/** The HTTP edge: edges, billing jobs and operators on one port. */
import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { addAccountRoutes } from './accounts/account-routes.ts'
import { addMoneyRoutes } from './accounts/money-routes.ts'
import { addPoolRoutes } from './accounts/pool-routes.ts'
import { addReportRoutes } from './accounts/report-routes.ts'
import { authorization, refuseOpenRoutes } from './auth.ts'
import { addCallRoutes } from './calls/call-routes.ts'
import { addDecideRoutes } from './calls/decide-routes.ts'
import { addEventRoutes } from './calls/event-routes.ts'
import { UnknownFields } from './calls/unknown-fields.ts'
import { errorHandler, problemOf, sendProblem } from './errors.ts'
import { check, invalidInput, type Place } from './input.ts'
import { answerUnknownPaths } from './not-found.ts'
import { addReference } from './openapi.ts'
import { addKeyRoutes } from './ops/key-routes.ts'
import { addOpsRoutes } from './ops/ops-routes.ts'
import type { HttpParts } from './parts.ts'
import { HttpProblem } from './problem.ts'
import type { HttpServer } from './server-type.ts'
import { answerBrokenRequest } from './socket-errors.ts'
import { addTariffRoutes } from './tariffs/tariff-routes.ts'
import { parseForm } from './wire/form-text.ts'
import { parseJson } from './wire/json-text.ts'

const BODY_BYTES = 1024 * 1024

/** Longer than switches keep a connection that they do not use. */
const KEEP_ALIVE_MS = 65_000

/** A price book comes in within this. */
const REQUEST_MS = 300_000

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\b/

export type { HttpServer } from './server-type.ts'

/** Ready to listen. */
export async function createHttpServer(parts: HttpParts): Promise<HttpServer> {
  const server = fastify({
    logger: false,
    bodyLimit: BODY_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_MS,
    return503OnClosing: false,
    routerOptions: { maxParamLength: 512 },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => {
      const problem = problemOf(error) ?? new HttpProblem('malformed_request', 'the request cannot be read')
      sendProblem(request, reply, problem)
    },
  }).withTypeProvider<ZodTypeProvider>()

  server.setValidatorCompiler(validatorOf)
  server.setSerializerCompiler(() => (data) => JSON.stringify(data))
  server.setErrorHandler(errorHandler(parts))
  server.decorateRequest('key', undefined)
  closeWhenDraining(server, parts)
  server.addHook('onRequest', authorization(parts.keys))
  server.removeAllContentTypeParsers()
  server.addHook('onRoute', refuseOpenRoutes)
  answerUnknownPaths(server)
  await addReference(server)
  await server.register(callPath(parts))
  await server.register(adminPath(parts))
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

/** So that callers move to another daemon. */
function closeWhenDraining(server: FastifyInstance, { health }: HttpParts): void {
  // By callback: it is called for every request, and a promise costs more than it does.
  server.addHook('onSend', (...[, reply, payload, done]) => {
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
    addMoneyRoutes(server, parts)
    addReportRoutes(server, parts)
    addTariffRoutes(server, parts)
    addKeyRoutes(server, parts)
    addOpsRoutes(server, parts)
  }
}
