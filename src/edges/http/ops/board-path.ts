/**
 * Where people look at the queues in a browser, which asks for a name and a password: any name, and an API key. Nothing but
 * reading is let through, so that no other site can use what the browser remembers.
 */
import type { FastifyInstance, FastifyPluginCallback } from 'fastify'
import { authorization } from '../auth.ts'
import { errorHandler } from '../errors.ts'
import type { HttpParts } from '../parts.ts'
import { HttpProblem } from '../problem.ts'

export const BOARD_PATH = '/jobs'

const CHALLENGE = { headers: { 'www-authenticate': 'Basic realm="tollgate", charset="UTF-8"' } } as const

/** To be registered before the hooks of all other routes: those of the board do not know of keys. */
export function boardPath(parts: HttpParts, board: FastifyPluginCallback) {
  const authorize = authorization(parts.keys)
  const refuse = errorHandler(parts)
  return async (scope: FastifyInstance): Promise<void> => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, needs: 'ops:read', wholeInstallation: true }
    })
    scope.addHook('onRequest', (request, reply, done) => {
      reply.header('x-frame-options', 'DENY')
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        return refuse(new HttpProblem('method_not_allowed', 'this is only for looking'), request, reply)
      }
      request.headers.authorization = asBearer(request.headers.authorization)
      authorize(request, reply, (error) => {
        if (!error) return done()
        const isStranger = error instanceof HttpProblem && error.status === 401
        refuse(isStranger ? new HttpProblem(error.code, error.detail, CHALLENGE) : error, request, reply)
      })
    })
    await scope.register(board)
  }
}

/** The password of Basic authentication as a key; anything else as it is. */
function asBearer(header: string | undefined): string | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/]{1,1024}={0,2}) *$/i.exec(header ?? '')?.[1]
  if (encoded === undefined) return header
  const text = Buffer.from(encoded, 'base64').toString()
  return `Bearer ${text.slice(text.indexOf(':') + 1)}`
}
