/** Paths that are not there, and methods that a path does not have. */
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { sendProblem } from './errors.ts'
import { HttpProblem } from './problem.ts'
import type { HttpServer } from './server-type.ts'

/** Hears of every route that is added after it. */
export function answerUnknownPaths(server: HttpServer): void {
  const methods = new Map<string, Set<string>>()
  server.addHook('onRoute', ({ url, method }: RouteOptions) => {
    const known = methods.get(url) ?? new Set()
    for (const each of [method].flat()) known.add(each)
    methods.set(url, known)
  })
  const allowed = lazily(() => [...methods].map(([url, known]) => ({ pattern: patternOf(url), known })))
  server.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    const path = request.url.split('?', 1)[0] ?? ''
    const route = allowed().find(({ pattern }) => pattern.test(path))
    sendProblem(request, reply, route ? notAllowed(request.method, [...route.known]) : nothingHere())
  })
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}

function patternOf(url: string): RegExp {
  return new RegExp(`^${url.replaceAll('.', '\\.').replace(/:\w+/g, '[^/]+')}$`)
}

function notAllowed(method: string, known: readonly string[]): HttpProblem {
  const allow = known.toSorted().join(', ')
  return new HttpProblem('method_not_allowed', `${method} is not among ${allow}`, { headers: { allow } })
}

function nothingHere(): HttpProblem {
  return new HttpProblem('not_found', 'there is nothing at this path')
}
