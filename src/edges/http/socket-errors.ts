/** What arrives is not HTTP, or not in time: answered on the bare socket, as there is no request. */
import type { Socket } from 'node:net'
import { HttpProblem, PROBLEM_TYPE } from './problem.ts'
import { STATUS_CODES } from 'node:http'

const BY_CODE = {
  HPE_HEADER_OVERFLOW: ['headers_too_large', 'the headers are larger than 16 kB'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'the request did not arrive in time'],
} as const

export function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const known = Object.entries(BY_CODE).find(([code]) => code === error.code)?.[1]
  const [code, detail] = known ?? (['malformed_request', 'this is not HTTP/1.1'] as const)
  const problem = new HttpProblem(code, detail)
  const body = JSON.stringify(problem.body(''))
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
