/** From the answer of the called side to a call that is up: the caller is answered, and the two hear each other. */
import type { CallEvent } from '../../calls/requests.ts'
import { Bridge } from './bridge.ts'
import { dialogId } from './by-id.ts'
import { aboutCall, type Caller } from './caller.ts'
import { type Far, isOffer } from './dial.ts'
import type { SipDialog } from './drachtio.ts'
import { supports } from './headers.ts'
import { LATE } from './in-time.ts'
import { answerNear, type Answering, settledFar } from './near-side.ts'
import type { Routed, SipParts } from './parts.ts'
import type { SipRef } from './sip-ref.ts'
import { joinSides, sessionSecondsOf } from './within-dialog.ts'

/** Of a call that was let in. */
export interface AllowedCall {
  readonly caller: Caller
  readonly routed: Routed
  readonly call: string
  readonly account: string
  /** How long it may last, where nobody else looks to that. */
  readonly capSeconds: number | undefined
}

export interface Joining extends Omit<Answering, 'sessionSeconds'>, AllowedCall {
  readonly parts: SipParts
  /** Where its dialogs are, for whoever hangs up later. */
  readonly server: string
  readonly report: (event: CallEvent) => Promise<void>
}

/** Nobody said whether the caller was answered; the call is up until its dialogs are looked for by their ids. */
export const UNHEARD = Symbol('unheard')

/** Undefined where the caller was not answered, or the called side is gone again. */
export async function join(joining: Joining, far: Far): Promise<Bridge | typeof UNHEARD | undefined> {
  const { parts, call, routed } = joining
  const answeredAtMs = parts.clock.nowMs()
  const near = await answerNear({ ...joining, sessionSeconds: routed.group.sessionSeconds }, far)
  if (near === LATE) {
    if (!isOffer(far)) letGo(joining, far)
    started(joining, { answeredAtMs, farId: dialogId(far.res.get('call-id') ?? '', call) })
    return UNHEARD
  }
  const farDialog = near && (await settledFar(near, far))
  if (near && farDialog) return bridged(joining, { near, far: farDialog, answeredAtMs })
  near?.destroy({}, () => undefined)
  return undefined
}

/** After a break nothing more is heard of it. */
function letGo({ lost, client }: Joining, far: SipDialog): void {
  far.queueRequests = false
  if (lost.aborted) client.removeDialog(far)
}

interface Answered {
  readonly near: SipDialog
  readonly far: SipDialog
  readonly answeredAtMs: number
}

function bridged(joining: Joining, { near, far, answeredAtMs }: Answered): Bridge {
  const { caller, routed, copying, call, account, capSeconds, request, parts, lost } = joining
  const bridge = new Bridge({
    call,
    capSeconds,
    about: aboutCall(caller, routed, account),
    near,
    far,
    answeredAtMs,
    lost,
    cutStatus: routed.group.cutStatus,
    nowMs: () => parts.clock.nowMs(),
  })
  const nearSeconds = supports(request, 'timer') ? routed.group.sessionSeconds : undefined
  const farSeconds = sessionSecondsOf(far.res.get('session-expires'))
  joinSides(
    { dialog: near, ...(nearSeconds === undefined ? {} : { sessionSeconds: nearSeconds }) },
    { dialog: far, ...(farSeconds === undefined ? {} : { sessionSeconds: farSeconds }) },
    copying,
  )
  started(joining, { answeredAtMs, farId: far.id })
  return bridge
}

interface Started {
  readonly answeredAtMs: number
  /** The id of the called side's dialog. */
  readonly farId: string
}

function started(joining: Joining, { answeredAtMs, farId }: Started): void {
  const { caller, routed, account, parts, server, report } = joining
  void report({
    type: 'start',
    ...aboutCall(caller, routed, account),
    attempt: caller.attempt,
    instance: parts.instance,
    tsMs: answeredAtMs,
    answeredAtMs,
    ref: { server, far: farId, cutStatus: routed.group.cutStatus } satisfies SipRef,
  })
}
