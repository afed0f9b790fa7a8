/**
 * Kamailio's control channel: JSON-RPC over HTTP, with the two routes that config/kamailio/http adds to it.
 *
 * An answered call is ended by `dlg.end_dlg`. On a ringing one that command reports success, forgets the dialog and
 * lets the call be answered (5.6.3), so a ringing call is refused by the `refuse` route instead.
 */
import { z } from 'zod'
import type { EdgeCall, EdgeControl, ListedCall } from '../../calls/edge-control.ts'
import { isRecord, parsed, post, unreachable } from './exchange.ts'

export interface KamailioSettings {
  readonly rpcUrl: string
  readonly canRaise?: boolean | undefined
  /** Its calls come by the call_control socket, which knows no leg ids: then none are listed. */
  readonly withoutLegs?: boolean | undefined
}

const ACT_DEADLINE_MS = 2_000
const LIST_DEADLINE_MS = 10_000
/** A call takes about 200 bytes of a list. */
const MAX_LIST_BYTES = 64 * 1024 * 1024
const MAX_ACT_BYTES = 256 * 1024

/** States of a dialog: 1 new, 2 ringing, 3 answered, 4 answered and acknowledged, 5 over. */
const RINGING = 2
const OVER = 5

const dialogSchema = z.object({
  h_entry: z.int().nonnegative(),
  h_id: z.int(),
  state: z.int(),
  duration: z.int().default(0),
  caller: z.object({ cseq: z.union([z.string(), z.int()]).transform(String) }),
})
type Dialog = z.infer<typeof dialogSchema>

const listedSchema = z.array(z.object({ 'call-id': z.string(), from_tag: z.string(), state: z.int() }))

/** Controls one Kamailio, or one pool that shares dialogs. */
export class KamailioControl implements EdgeControl {
  readonly canEnd = true
  readonly canRaise: boolean
  readonly canList = true
  readonly #rpcUrl: string
  readonly #withoutLegs: boolean

  constructor(settings: KamailioSettings) {
    this.#rpcUrl = settings.rpcUrl
    this.canRaise = settings.canRaise ?? false
    this.#withoutLegs = settings.withoutLegs ?? false
  }

  async end(call: EdgeCall, reason: string): Promise<void> {
    const dialog = await this.#find(call)
    if (!dialog || dialog.state >= OVER) return
    if (dialog.state <= RINGING) return await this.#refuse(call, dialog, reason)
    await this.#rpc('dlg.end_dlg', [dialog.h_entry, dialog.h_id, reasonHeader(reason)])
  }

  async raise(call: EdgeCall, totalSeconds: number): Promise<void> {
    const dialog = await this.#find(call)
    if (!dialog || dialog.state >= OVER) return
    const seconds = Math.max(1, totalSeconds - dialog.duration)
    await this.#route('limit', { hEntry: dialog.h_entry, hId: dialog.h_id, total: totalSeconds, seconds })
  }

  async list(): Promise<readonly ListedCall[]> {
    const answer = await this.#call('dlg.briefing', ['cFs'], LIST_DEADLINE_MS)
    const calls = listedSchema.safeParse(answer.result ?? [])
    if (!calls.success) throw unreachable('listed calls in a form that is not known', calls.error)
    const up = calls.data.filter(({ state }) => state < OVER)
    return up.map((listed) => ({ callId: listed['call-id'], legId: this.#withoutLegs ? '' : listed.from_tag }))
  }

  /** The call's dialog, by the reference it came with, else by its identity; undefined when Kamailio has none. */
  async #find(call: EdgeCall): Promise<Dialog | undefined> {
    const answer = call.legId
      ? await this.#call('dlg.dlg_list', [call.callId, call.legId], ACT_DEADLINE_MS)
      : await this.#call('dlg.list_match', ['callid', 'eq', call.callId, 10], ACT_DEADLINE_MS)
    if (answer.error) return undefined
    const found = [answer.result].flat().flatMap((item) => dialogSchema.safeParse(item).data ?? [])
    return found.find((dialog) => isReferred(dialog, call.ref)) ?? found.find(({ state }) => state < OVER) ?? found[0]
  }

  async #refuse(call: EdgeCall, dialog: Dialog, reason: string): Promise<void> {
    const { cseq } = dialog.caller
    await this.#route('refuse', { callId: call.callId, cseq, sipCode: 402, sipReason: phrase(reason) })
  }

  async #rpc(method: string, params: readonly (string | number)[]): Promise<void> {
    await this.#call(method, params, ACT_DEADLINE_MS)
  }

  async #call(method: string, params: readonly (string | number)[], deadlineMs: number): Promise<RpcAnswer> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const maxAnswerBytes = deadlineMs === LIST_DEADLINE_MS ? MAX_LIST_BYTES : MAX_ACT_BYTES
    const { status, text } = await post({ url: this.#rpcUrl, body, deadlineMs, maxAnswerBytes })
    const answer = parsed(text)
    if (!isRecord(answer) || !('result' in answer || 'error' in answer)) {
      throw unreachable(`answered ${method} with status ${status} and no result`)
    }
    if (isRecord(answer.error) && answer.error.code !== 404) {
      throw unreachable(`refused ${method}: ${phrase(JSON.stringify(answer.error))}`)
    }
    return { result: answer.result, error: answer.error }
  }

  async #route(name: 'limit' | 'refuse', input: Readonly<Record<string, string | number>>): Promise<void> {
    const url = new URL(`/tollgate/${name}`, this.#rpcUrl).href
    const body = JSON.stringify(input)
    const { status } = await post({ url, body, deadlineMs: ACT_DEADLINE_MS, maxAnswerBytes: MAX_ACT_BYTES })
    if (status !== 200) throw unreachable(`answered ${status} to /tollgate/${name}`)
  }
}

interface RpcAnswer {
  readonly result: unknown
  readonly error: unknown
}

function isReferred(dialog: Dialog, ref: unknown): boolean {
  return isRecord(ref) && Number(ref.hEntry) === dialog.h_entry && Number(ref.hId) === dialog.h_id
}

/** RFC 3326, on both BYEs. */
function reasonHeader(reason: string): string {
  return `Reason: SIP;cause=402;text="${phrase(reason)}"\r\n`
}

/** Words that are safe in a header and in a status line. */
function phrase(reason: string): string {
  return (
    reason
      .replace(/[^A-Za-z0-9_ .-]/g, ' ')
      .slice(0, 80)
      .trim() || 'ended'
  )
}
