/** npm run simulate -- --seed N --calls N: random traffic against real Redis, held against a plain model after every step. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { WorkerTask, WorkerWord } from './worker.ts'

const CALLS_EACH = 250
const PROCESSES = 2
/** What must have happened in a run that is long enough to say something. */
const EXPECTED = [
  ...['fault killed_before', 'fault killed_after', 'fault reply_lost', 'unknown authorize'],
  ...['event lost', 'event late', 'event doubled', 'request doubled', 'request changed', 'money doubled', 'clock lied'],
  ...['answer ok', 'answer gone', 'answer conflict', 'answer no_credit', 'answer no_minutes', 'answer trunk_limit'],
  ...['answer call_limit', 'answer no_rate', 'answer destination_blocked', 'answer account_suspended'],
  ...['state answered', 'state ended', 'state failed', 'extend allowed', 'extend denied', 'burst some refused'],
  ...[
    'money posted',
    'money refused',
    'step edge_up',
    'step edge_list',
    'step tariff',
    'step patch',
    'step end',
    'ticks',
  ],
]
const LONG_ENOUGH = 10_000

const { values } = parseArgs({
  options: { seed: { type: 'string' }, calls: { type: 'string', default: '200000' } },
})
const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000_000) : Number(values.seed)
const calls = Number(values.calls)
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(calls) || calls < 1) {
  process.stderr.write('simulate: --seed and --calls are whole numbers\n')
  process.exit(2)
}

interface Totals {
  worlds: number
  calls: number
  steps: number
  entries: number
  readonly counts: Map<string, number>
  failure?: Extract<WorkerWord, { kind: 'failed' }>
}

const totals: Totals = { worlds: 0, calls: 0, steps: 0, entries: 0, counts: new Map() }
const beganMs = performance.now()
process.stdout.write(`simulating ${calls.toLocaleString('en')} calls from seed ${seed}\n`)

const worlds = Math.ceil(calls / CALLS_EACH)
const share = Math.ceil(worlds / PROCESSES)
const tasks = Array.from({ length: PROCESSES }, (_, n): WorkerTask => {
  const mine = Math.max(0, Math.min(share, worlds - n * share))
  return { firstSeed: seed + n * share, worlds: mine, callsEach: Math.min(CALLS_EACH, calls) }
}).filter((task) => task.worlds > 0)

const children: ChildProcess[] = []
const codes = await Promise.all(tasks.map(runProcess))
if (process.stdout.isTTY) process.stdout.write('\r')
process.exit(report(codes))

function runProcess(task: WorkerTask): Promise<number> {
  const child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), { execArgv: [] })
  children.push(child)
  child.on('message', (word: WorkerWord) => {
    take(word)
    // One failure is enough: the other process is not waited for.
    if (word.kind === 'failed') for (const other of children) if (other !== child) other.kill()
  })
  child.send(task)
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
}

function take(word: WorkerWord): void {
  if (word.kind === 'failed') {
    totals.failure ??= word
    return
  }
  totals.worlds += 1
  totals.calls += word.calls
  totals.steps += word.steps
  totals.entries += word.entries
  for (const [name, times] of word.counts) totals.counts.set(name, (totals.counts.get(name) ?? 0) + times)
  if (process.stdout.isTTY)
    process.stdout.write(`\r${totals.calls.toLocaleString('en')} calls, ${totals.steps.toLocaleString('en')} steps`)
}

function report(exits: readonly number[]): number {
  const { failure } = totals
  if (failure) {
    const { seed: failed, why, history, of } = failure
    const [spec = '', ...steps] = history
    process.stdout.write(
      `FAILED in the world of seed ${failed}: ${why}\n${steps.length} of its ${of} steps still lead to it:\n`,
    )
    process.stdout.write(`world ${spec}\n${steps.map((step, n) => `${n + 1}. ${step}`).join('\n')}\n`)
    process.stdout.write(`again: npm run simulate -- --seed ${failed} --calls ${CALLS_EACH}\n`)
    return 1
  }
  for (const [name, times] of [...totals.counts].sort())
    process.stdout.write(`  ${name.padEnd(28)} ${times.toLocaleString('en')}\n`)
  const missing = totals.calls >= LONG_ENOUGH ? EXPECTED.filter((name) => !totals.counts.has(name)) : []
  if (missing.length > 0) process.stdout.write(`FAILED: it never came to: ${missing.join(', ')}\n`)
  const took = ((performance.now() - beganMs) / 1000).toFixed(0)
  const { worlds: all, calls: made, steps, entries } = totals
  const done = `${made.toLocaleString('en')} calls in ${all} worlds, ${steps.toLocaleString('en')} steps, ${entries.toLocaleString('en')} journal entries replayed, ${took} s`
  process.stdout.write(`seed ${seed}: ${done}: ${missing.length === 0 ? 'as the model says' : 'not enough'}\n`)
  return missing.length > 0 || exits.some((code) => code !== 0) ? 1 : 0
}
