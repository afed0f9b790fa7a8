/** JSON a line at a time, for what is too long to be held as one text. */
import type { Readable } from 'node:stream'
import { HttpProblem } from '../problem.ts'
import { parseJson } from './json-text.ts'

export const LINES_TYPE = 'application/x-ndjson'

const MAX_LINE_BYTES = 256 * 1024
const NEWLINE = 0x0a

/** The values of a body of no more than `maxBytes`; lines that are empty are none. */
export async function* readJsonLines(body: Readable, maxBytes: number): AsyncGenerator {
  let line = 0
  for await (const bytes of linesOf(body, maxBytes)) {
    line += 1
    if (bytes.length > 0) yield valueOf(bytes, line)
  }
}

function valueOf(bytes: Buffer, line: number): unknown {
  try {
    return parseJson(bytes, { anyBytes: false })
  } catch (error) {
    if (!(error instanceof HttpProblem)) throw error
    throw new HttpProblem(error.code, `line ${line}: ${error.detail}`, { errors: error.extras.errors ?? [] })
  }
}

async function* linesOf(body: Readable, maxBytes: number): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0)
  let read = 0
  for await (const chunk of body) {
    const bytes = chunk as Buffer
    read += bytes.length
    if (read > maxBytes) throw new HttpProblem('body_too_large', `the body has more than ${maxBytes} bytes`)
    rest = Buffer.concat([rest, bytes])
    let from = 0
    for (let at = rest.indexOf(NEWLINE); at >= 0; at = rest.indexOf(NEWLINE, from)) {
      yield trimmed(rest.subarray(from, at))
      from = at + 1
    }
    rest = rest.subarray(from)
    if (rest.length > MAX_LINE_BYTES) {
      throw new HttpProblem('body_too_large', `a line of the body has more than ${MAX_LINE_BYTES} bytes`)
    }
  }
  yield trimmed(rest)
}

function trimmed(line: Buffer): Buffer {
  return line.at(-1) === 0x0d ? line.subarray(0, -1) : line
}
