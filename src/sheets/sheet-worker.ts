/** The thread that writes a file: asks for records page after page, and says how long the file is. */
import { on } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import { invariant } from '../base/fault.ts'
import { recordsIn } from '../exports/record-lines.ts'
import { tableOf } from '../exports/tables.ts'
import { writeSheet } from './sheet-file.ts'
import type { SheetAnswer, SheetOrder, SheetPage } from './sheet-thread.ts'

invariant(parentPort, 'a file is written by a thread of its own')
const port = parentPort

/** The next page comes while this one is written. */
async function* pages(): AsyncGenerator<readonly string[]> {
  const told = on(port, 'message') as AsyncIterableIterator<[SheetPage]>
  ask({ kind: 'next' })
  for await (const [page] of told) {
    if (page.kind === 'end') return
    ask({ kind: 'next' })
    yield recordsIn(page.lines)
  }
}

function ask(answer: SheetAnswer): void {
  port.postMessage(answer)
}

const { path, content, format, heading } = workerData as SheetOrder
const bytes = await writeSheet(path, format, { heading, table: tableOf(content, pages()) })
ask({ kind: 'written', bytes })
