/** Whatever went wrong, as a problem. What is not foreseen is written to the log and answered without its reasons. */
import { randomUUID } from 'node:crypto'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { Fault, InvariantError } from '../../base/fault.ts'
import type { HttpParts } from './parts.ts'
import { HttpProblem, PROBLEM_TYPE } from './problem.ts'
import { isProblemCode } from './problem-codes.ts'

type ErrorParts = Pick<HttpParts, 'log' | 'bug'>

export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: HttpProblem): void {
  const instance = request.url.split('?', 1)[0] ?? ''
  reply
    .code(problem.status)
    .headers(problem.headers())
    .header('content-type', PROBLEM_TYPE)
    // As bytes: to text the framework would add a charset, which this type does not have.
    .send(Buffer.from(JSON.stringify(problem.body(instance))))
}

export function errorHandler(parts: ErrorParts) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    sendProblem(request, reply, problemOf(error) ?? unforeseen(parts, error, request))
  }
}

/** Undefined for what no caller can do anything about. */
export function problemOf(error: unknown): HttpProblem | undefined {
  if (error instanceof HttpProblem) return error
  if (error instanceof Fault) return faultProblem(error)
  return isFrameworkError(error) ? frameworkProblem(error) : undefined
}

function faultProblem(fault: Fault): HttpProblem | undefined {
  if (!fault.retryable && fault.code === 'archive_unavailable') {
    return new HttpProblem('archive_unavailable', 'it took too long: ask for a shorter period', { cause: fault })
  }
  if (!fault.retryable) return undefined
  const code = isProblemCode(fault.code) ? fault.code : 'store_unavailable'
  return new HttpProblem(code, 'this may work when it is sent again', { cause: fault })
}

function isFrameworkError(error: unknown): error is FastifyError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('FST_')
}

function frameworkProblem({ code, statusCode }: FastifyError): HttpProblem | undefined {
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new HttpProblem('body_too_large', 'the body is larger than this takes')
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new HttpProblem('media_type_unsupported', 'send a content-type that this reads, such as application/json')
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new HttpProblem('malformed_request', 'the body is not as long as content-length says')
    case 'FST_ERR_BAD_URL':
      return new HttpProblem('malformed_request', 'the path is not percent-encoded as it should be')
    default:
      return statusCode === 400 ? new HttpProblem('malformed_request', 'the request cannot be read') : undefined
  }
}

function unforeseen({ log, bug }: ErrorParts, error: unknown, request: FastifyRequest): HttpProblem {
  const reference = randomUUID()
  log.error({ reference, method: request.method, route: request.routeOptions.url, err: error }, 'request failed')
  if (error instanceof InvariantError) bug?.(error)
  return new HttpProblem('internal_error', `something broke; the log has more under ${reference}`, {
    members: { reference },
  })
}
