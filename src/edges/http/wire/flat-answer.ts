/** Answers of the call path: JSON, or `key=value` lines for dialplans that cannot read it. */
import type { FastifyReply, FastifyRequest } from 'fastify'

export type Flat = Readonly<Record<string, unknown>>

function wantsText(accept: string | undefined): boolean {
  return accept !== undefined && accept.includes('text/plain') && !accept.includes('json')
}

/** Serialized by hand: these answers are flat and there are many of them. */
export function sendFlat(request: FastifyRequest, reply: FastifyReply, answer: Flat): FastifyReply {
  if (!wantsText(request.headers.accept)) {
    return reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(answer))
  }
  return reply.header('content-type', 'text/plain; charset=utf-8').send(lines(answer))
}

/** `{ results: [{ call: "x" }] }` is "results.0.call=x". */
function lines(answer: Flat): string {
  return flatten('', answer).join('\n') + '\n'
}

function flatten(prefix: string, value: unknown): readonly string[] {
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([name, inner]) => flatten(prefix === '' ? name : `${prefix}.${name}`, inner))
  }
  if (value === undefined) return []
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return [`${prefix}=${text.replace(/[\r\n]+/g, ' ')}`]
}
