/** An export: asked for, waited for, and fetched; a download that breaks off goes on where it stopped. */
import { setTimeout as pause } from 'node:timers/promises'
import * as answers from './answers.ts'
import type { Api } from './api.ts'
import type { Cli } from './cli.ts'
import { CliFailure } from './context.ts'
import { Progress } from './progress.ts'

const LOOK_MS = 200

/** An export that gets no further for so long waits for a daemon that does not come. */
const STUCK_MS = 600_000

const DOWNLOADS = 5

export interface Ordered {
  readonly api: Api
  readonly account: string
  readonly order: Readonly<Record<string, unknown>>
}

interface Made {
  readonly id: string
  readonly rows: number
  readonly href: string
}

/** Resolves when its file is whole. */
export async function madeExport(cli: Cli, { api, account, order }: Ordered): Promise<Made> {
  const place = `/v1/accounts/${account}/exports`
  let { value } = await api.post(place, answers.exported, { body: order })
  const progress = new Progress(cli.context, 'exporting')
  const { clock } = cli.context
  let movedAtMs = clock.nowMs()
  try {
    while (value.state !== 'done') {
      if (value.state === 'failed') throw failure('export_failed', `the export failed: ${value.reason ?? 'no reason'}`)
      if (clock.nowMs() - movedAtMs > STUCK_MS) throw failure('export_stuck', `export ${value.id} is ${value.state}`)
      await pause(LOOK_MS)
      const next = (await api.get(`${place}/${value.id}`, answers.exported)).value
      if (next.rows !== value.rows || next.state !== value.state) movedAtMs = clock.nowMs()
      value = next
      progress.at(value.progress)
    }
  } finally {
    progress.end()
  }
  return { id: value.id, rows: value.rows, href: value.href ?? `${place}/${value.id}/file` }
}

export async function* fileBytes(api: Api, path: string): AsyncGenerator<Uint8Array> {
  let got = 0
  let version: string | undefined
  for (let download = 1; ; download += 1) {
    try {
      const part = await api.bytes(path, got, version)
      if (got > 0 && !part.isRest) throw failure('export_changed', 'the file changed while it was fetched')
      version = part.version
      for await (const chunk of part.chunks) {
        got += chunk.length
        yield chunk
      }
      return
    } catch (error) {
      if (error instanceof CliFailure || version === undefined || download === DOWNLOADS) throw error
      await pause(LOOK_MS)
    }
  }
}

export async function* texts(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true })
}

/** Lines of JSON as one list. */
export async function* listTexts(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let separator = '{"items": [\n'
  let rest = ''
  for await (const text of texts(bytes)) {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    if (lines.length === 0) continue
    yield separator + lines.join(',\n')
    separator = ',\n'
  }
  yield separator.startsWith('{') ? '{"items": []}\n' : '\n]}\n'
}

function failure(code: string, message: string): CliFailure {
  return new CliFailure({ code, message })
}
