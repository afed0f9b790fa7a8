/** One bounded request to an edge: a deadline, a largest answer, no redirects, and one kind of failure. */
import { Fault } from '../../base/fault.ts'

export interface Exchange {
  readonly url: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
  readonly deadlineMs: number
  readonly maxAnswerBytes: number
}

export interface Answer {
  readonly status: number
  readonly text: string
}

/** Posts JSON and reads the whole answer; a Fault when the edge cannot be reached, is too slow or says too much. */
export async function post(exchange: Exchange): Promise<Answer> {
  try {
    const response = await fetch(exchange.url, {
      method: 'POST',
      body: exchange.body,
      headers: { 'content-type': 'application/json', ...exchange.headers },
      redirect: 'manual',
      signal: AbortSignal.timeout(exchange.deadlineMs),
    })
    return { status: response.status, text: await boundedText(response, exchange.maxAnswerBytes) }
  } catch (cause) {
    throw unreachable(reasonOf(cause), cause)
  }
}

export function unreachable(message: string, cause?: unknown): Fault {
  return new Fault('edge_unreachable', `the edge ${message}`, { retryable: true, cause })
}

/** Reads JSON; a Fault when it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw unreachable('answered something that is not JSON', cause)
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

class TooLong extends Error {}

async function boundedText(response: Response, maxBytes: number): Promise<string> {
  if (!response.body) return ''
  const parts: Uint8Array[] = []
  let bytes = 0
  const body: AsyncIterable<Uint8Array> = response.body
  for await (const part of body) {
    bytes += part.byteLength
    if (bytes > maxBytes) throw new TooLong()
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function reasonOf(cause: unknown): string {
  if (cause instanceof TooLong) return 'answered more than is read'
  if (cause instanceof DOMException && cause.name === 'TimeoutError') return 'did not answer in time'
  return 'cannot be reached'
}
