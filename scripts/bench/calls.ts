/** Makes many calls over HTTP: accounts with credit for so many seconds each, calls that are authorized, answered, over. */
import { setTimeout as pause } from 'node:timers/promises'
import { LONDON } from '../../test/app/bench.ts'
import { inParallel, type KeepAlive } from './keep-alive.ts'
import { EDGE } from './webhook-edge.ts'

/** As many requests of ours are under way at once. */
export const AT_ONCE = 32
const BATCH = 100

export interface Caller {
  readonly callId: string
  readonly account: string
  /** The daemon's id of the call. */
  call: string
  answeredAtMs: number
  grantedSeconds: number
}

/** Accounts of so many calls each, with credit for `seconds` of each; a second costs 1.00. */
export async function openAccounts(
  client: KeepAlive,
  name: string,
  wish: { readonly accounts: number; readonly credit: number },
): Promise<readonly string[]> {
  const names = Array.from({ length: wish.accounts }, (_, index) => `${name}-${index}`)
  await inParallel(names, AT_ONCE, async (account) => {
    await client.must('PUT', `/v1/accounts/${account}`, { name: account, currency: 'USD', tariff: 'bench' })
    const credit = { amount: wish.credit.toFixed(2), kind: 'adjustment' }
    await client.must('POST', `/v1/accounts/${account}/credits`, credit)
  })
  return names
}

/** So many calls, spread over the accounts in turn. */
export function callersOf(name: string, calls: number, accounts: readonly string[]): Caller[] {
  return Array.from({ length: calls }, (_, index) => ({
    callId: `${name}-${index}`,
    account: accounts[index % accounts.length] ?? '',
    call: '',
    answeredAtMs: 0,
    grantedSeconds: 0,
  }))
}

export async function authorizeAll(
  client: KeepAlive,
  callers: readonly Caller[],
  requestSeconds?: number,
): Promise<void> {
  await inParallel(callers, AT_ONCE, async (caller) => {
    const { account, callId } = caller
    const asked = {
      node: EDGE,
      account,
      callId,
      direction: 'outbound',
      from: '+12125550100',
      to: LONDON,
      requestSeconds,
    }
    const answer = await client.must('POST', '/v1/calls/authorize', asked)
    if (answer['allow'] !== true) throw new Error(`${callId} was refused: ${JSON.stringify(answer)}`)
    caller.call = String(answer['call'])
    caller.grantedSeconds = Number(answer['reservedSeconds'])
  })
}

/** Answers them one after the other, evenly over so many seconds; the edge says by its own clock when each was answered. */
export async function answerAll(
  client: KeepAlive,
  callers: readonly Caller[],
  { overSeconds, hasCall }: { readonly overSeconds: number; readonly hasCall: (callId: string) => void },
): Promise<void> {
  const beganMs = Date.now()
  const sent: Promise<unknown>[] = []
  for (let done = 0; done < callers.length;) {
    const elapsed = (Date.now() - beganMs) / 1000
    const due = overSeconds === 0 ? callers.length : Math.ceil((callers.length * elapsed) / overSeconds)
    const now = callers.slice(done, Math.min(due, done + BATCH))
    if (now.length === 0) {
      await pause(5)
      continue
    }
    for (const caller of now) hasCall(caller.callId)
    sent.push(tell(client, now.map(answered)))
    done += now.length
  }
  await Promise.all(sent)
}

function answered(caller: Caller): unknown {
  caller.answeredAtMs = Date.now()
  const { callId, answeredAtMs } = caller
  return { type: 'start', node: EDGE, callId, answeredAt: (answeredAtMs / 1000).toFixed(3) }
}

/** Events in batches, as an edge's outbox sends them. */
export async function tell(client: KeepAlive, events: readonly unknown[]): Promise<void> {
  for (let at = 0; at < events.length; at += BATCH) {
    await client.must('POST', '/v1/calls/events', events.slice(at, at + BATCH))
  }
}

/** Says the stops of calls in batches, again and again, as an outbox does; a daemon that is away is told later. */
export class Outbox {
  readonly #client: KeepAlive
  readonly #stopped = new AbortController()
  readonly #running: Promise<void>
  #events: unknown[] = []
  told = 0

  constructor(client: KeepAlive) {
    this.#client = client
    this.#running = this.#run()
  }

  put(event: unknown): void {
    this.#events.push(event)
  }

  async close(): Promise<void> {
    this.#stopped.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const batch = this.#events.slice(0, BATCH)
      if (batch.length > 0 && (await this.#tell(batch))) {
        this.#events = this.#events.slice(batch.length)
        this.told += batch.length
      } else await pause(20)
    }
  }

  async #tell(batch: readonly unknown[]): Promise<boolean> {
    return await this.#client.send('POST', '/v1/calls/events', batch).then(
      ({ status }) => status < 300,
      () => false,
    )
  }
}
