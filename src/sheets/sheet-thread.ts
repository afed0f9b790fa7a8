/**
 * Writes files in a thread of its own, so that calls do not wait for rows, and with little memory: what a file leaves
 * behind is collected early, and is the machine's again when the thread ends.
 */
import { Worker } from 'node:worker_threads'
import type { ExportContent, ExportFormat } from '../exports/export.ts'
import type { Heading } from '../exports/heading.ts'
import type { RecordLines } from '../exports/record-lines.ts'

export interface SheetOrder {
  readonly path: string
  readonly content: ExportContent
  readonly format: ExportFormat
  readonly heading: Heading
}

export type SheetPage = { readonly kind: 'page'; readonly lines: RecordLines } | { readonly kind: 'end' }

export type SheetAnswer = { readonly kind: 'next' } | { readonly kind: 'written'; readonly bytes: number }

/** Some pages need a few megabytes; a thread that needs more than this ends, and its export fails. */
const LIMITS = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 64 } as const

/** With the ending that this file has: .ts in a checkout, .js when built. */
const WORKER = new URL(`./sheet-worker${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url)

/** Answers with the bytes when the file is on disk; what goes wrong with the records or the thread is thrown. */
export async function writeInThread(order: SheetOrder, records: AsyncIterable<RecordLines>): Promise<number> {
  const pages = records[Symbol.asyncIterator]()
  const worker = new Worker(WORKER, { workerData: order, resourceLimits: LIMITS })
  try {
    return await new Promise<number>((resolve, reject) => {
      worker.on('error', reject)
      worker.on('exit', () => reject(new Error('the thread that writes the file ended')))
      worker.on('message', (answer: SheetAnswer) => {
        if (answer.kind === 'written') resolve(answer.bytes)
        else sendNext(worker, pages).catch(reject)
      })
    })
  } finally {
    await worker.terminate()
    await pages.return?.()
  }
}

async function sendNext(worker: Worker, pages: AsyncIterator<RecordLines>): Promise<void> {
  const next = await pages.next()
  if (next.done === true) return send(worker, { kind: 'end' })
  const lines = next.value
  send(worker, { kind: 'page', lines }, [lines.buffer])
}

function send(worker: Worker, page: SheetPage, handedOver: readonly ArrayBuffer[] = []): void {
  worker.postMessage(page, handedOver)
}
