/** What an edge says of all its calls: that it came up anew, or which it has. */
import { parseInstant } from '../base/time.ts'
import { type CallRecord, isLive, seenAlive } from './call.ts'
import type { ListedCall } from './edge-control.ts'
import { Ender } from './ending.ts'
import type { EventDesk } from './events.ts'
import type { CallMemory } from './memory.ts'
import type { CallParts } from './parts.ts'
import type { EdgeEvent, EventResult } from './requests.ts'
import { dueAtMs } from './schedule.ts'

const PAGE = 200
/** A call that began while the list was made may be missing from it. */
const LIST_MARGIN_MS = 2_000
/** Absent so many times in a row, a call is over. */
const MAX_ABSENCES = 2

export class EdgeDesk {
  readonly #parts: CallParts
  readonly #memory: CallMemory
  readonly #ender: Ender
  readonly #events: EventDesk

  constructor(parts: CallParts, memory: CallMemory, events: EventDesk) {
    this.#events = events
    this.#parts = parts
    this.#memory = memory
    this.#ender = new Ender(parts, memory)
  }

  async edgeEvent(event: EdgeEvent): Promise<EventResult> {
    const listed = Map.groupBy(event.calls ?? [], (call) => call.callId)
    for (let partition = 0; partition < this.#parts.partitions; partition += 1) {
      for (const record of await this.#callsOf(event.node, partition)) {
        if (event.type === 'edge_up') await this.#edgeUp(event, record)
        else await this.#edgeList(event, record, listed)
      }
    }
    if (event.type === 'edge_list') await this.#adopt(event)
    return { state: 'noted', ignored: false }
  }

  /** A call that the edge has and we do not, and of which it says who pays and who was called, is ours from now on. */
  async #adopt(event: EdgeEvent): Promise<void> {
    const { node, instance, tsMs } = event
    for (const { callId, legId, ...said } of event.calls ?? []) {
      if (said.to === undefined || (said.account ?? said.trunk) === undefined) continue
      const leg = { node, callId, legId }
      const times = tsMs === undefined ? {} : { tsMs }
      await this.#events.event({ type: 'alive', leg, ...said, ...times, ...(instance === '' ? {} : { instance }) })
    }
  }

  /** What the daemon itself was told when it asked: as `edge_list`, of whatever instance the edge is now. */
  async listed(node: string, tsMs: number, calls: readonly ListedCall[]): Promise<void> {
    await this.edgeEvent({ type: 'edge_list', node, instance: '', tsMs, calls })
  }

  async #callsOf(node: string, partition: number): Promise<readonly CallRecord[]> {
    const found: CallRecord[] = []
    for (let offset = 0; ; offset += PAGE) {
      const page = await this.#parts.ledger.liveCalls(partition, offset, PAGE)
      found.push(...page.filter((record) => record.leg.node === node && isLive(record)))
      if (page.length < PAGE) return found
    }
  }

  /**
   * Calls last seen from an older instance ended with it. An edge that can be asked which calls it has may have kept them,
   * so its next list decides.
   */
  async #edgeUp(event: EdgeEvent, record: CallRecord): Promise<void> {
    if (!isOlder(record.instance, event.instance) || this.#parts.controlOf(event.node).canList) return
    await this.#close(record, 'edge restarted')
  }

  async #edgeList(event: EdgeEvent, record: CallRecord, listed: ListedCalls): Promise<void> {
    if (record.state === 'authorized' || isFromBefore(event, record)) return
    if (isListed(record, listed)) return this.#seen(record, seenAlive(record, this.#parts.clock.nowMs()))
    await this.#absent(event, record)
  }

  async #absent(event: EdgeEvent, record: CallRecord): Promise<void> {
    const listedAtMs = event.tsMs ?? this.#parts.clock.nowMs()
    if ((record.connectedAtMs ?? listedAtMs) > listedAtMs - LIST_MARGIN_MS) return
    // The same list may come again: it is one absence.
    if (record.absences > 0 && listedAtMs <= (record.absentAtMs ?? 0)) return
    if (record.absences + 1 >= MAX_ABSENCES) return this.#closeAtLastSight(record)
    await this.#seen(record, { absences: record.absences + 1, absentAtMs: listedAtMs })
  }

  async #seen(record: CallRecord, change: Pick<CallRecord, 'absences'> & Partial<CallRecord>): Promise<void> {
    const nowMs = this.#parts.clock.nowMs()
    const seen = { ...record, ...change, revision: record.revision + 1 }
    const due = dueAtMs(seen, this.#parts.policy(), nowMs)
    const answer = await this.#parts.ledger.mark({
      record: seen,
      expectedRevision: record.revision,
      nowMs,
      dueAtMs: due,
    })
    // A record that moved on meanwhile was heard of: it needs no sign of life from this list.
    if (answer.kind === 'marked') this.#memory.keep(seen)
  }

  async #close(record: CallRecord, cause: string): Promise<void> {
    await this.#ender.presume(record, cause)
  }

  /** It was last known alive then; what it talked after that nobody can say. */
  async #closeAtLastSight(record: CallRecord): Promise<void> {
    await this.#ender.presume(
      { ...record, endingSinceMs: record.endingSinceMs ?? record.lastAliveAtMs },
      'absent from its edge',
    )
  }
}

/** A list that an instance older than the call made says nothing of it. */
function isFromBefore(event: EdgeEvent, record: CallRecord): boolean {
  return event.instance !== '' && isOlder(event.instance, record.instance ?? event.instance)
}

type ListedCalls = ReadonlyMap<string, readonly ListedCall[]>

/** An edge that lists no leg ids, or authorized without one, means all legs of the Call-ID. */
function isListed({ leg }: CallRecord, listed: ListedCalls): boolean {
  const legs = listed.get(leg.callId) ?? []
  return legs.some(({ legId }) => legId === leg.legId || legId === '' || leg.legId === '')
}

/** Boot times compare as numbers or instants; other names are only the same or not. */
function isOlder(instance: string | undefined, than: string): boolean {
  if (instance === undefined || instance === than) return false
  const [a, b] = [bootTime(instance), bootTime(than)]
  return a === undefined || b === undefined || a < b
}

function bootTime(instance: string): number | undefined {
  return /^\d+(\.\d+)?$/.test(instance) ? Number(instance) : parseInstant(instance)
}
