/** What the server does to a dialog by itself: it refreshes it, or ends it with a BYE of its own. */
import type { StopReason } from './cdrs.ts'
import { meta, repeatAck, sendAck, sendInside, type Core } from './core.ts'
import type { Dialog } from './dialogs.ts'
import { parameter, uriOf, type SipMessage } from './sip-message.ts'

export type Refresher = 'us' | 'them'

/** The interval of a Session-Expires header; 0 when there is none. */
export function sessionSeconds(message: SipMessage): number {
  return Number.parseInt(message.get('Session-Expires') || '0', 10)
}

/** Who has to refresh, as the header has it: uac, uas or nothing. */
export function refresherOf(message: SipMessage): string {
  return parameter(message.get('Session-Expires'), 'refresher')
}

/** On a 2xx that came from the network. */
export function startTimerOfAnswer(core: Core, dialog: Dialog, answer: SipMessage): void {
  const seconds = sessionSeconds(answer)
  if (seconds > 0) startTimer(core, dialog, { seconds, refresher: refresherOf(answer) === 'uas' ? 'them' : 'us' })
}

export function startTimer(core: Core, dialog: Dialog, timer: { seconds: number; refresher: Refresher }): void {
  const expired = (): void => {
    if (timer.refresher === 'us') refresh(core, dialog, timer.seconds)
    else terminate(core, dialog, { text: 'Session timer expired', reason: 'session-expired' })
  }
  dialog.startTimer(core.timers, timer.seconds, { refresher: timer.refresher, expired })
}

/** Ends a dialog with a BYE that no app asked for; its app is told when it is still there. */
export function terminate(core: Core, dialog: Dialog, why: { text: string; reason?: StopReason }): void {
  const bye = dialog.request('BYE')
  bye.add('Reason', `SIP ;cause=200 ;text="${why.text}"`)
  sendInside(core, { dialog, request: bye }, () => undefined)
  const to = dialog.nextHop(bye.uri) ?? core.wire.address
  dialog.owner?.send(['sip', ...meta('application', bye, to), 'unsolicited', dialog.id, ''], bye.toString())
  if (why.reason) core.cdrs.stop('application', why.reason, bye)
  core.dialogs.end(dialog)
}

function refresh(core: Core, dialog: Dialog, seconds: number): void {
  const invite = dialog.request('INVITE')
  invite.add('Session-Expires', `${seconds};refresher=uac`)
  invite.add('Min-SE', String(core.leastSessionSeconds))
  invite.add('Content-Type', 'application/sdp')
  invite.body = dialog.sdp
  sendInside(core, { dialog, request: invite }, (response) => {
    if (response.status < 200 || core.dialogs.find(dialog.id) !== dialog) return
    if (response.status === 491) return startTimer(core, dialog, { seconds, refresher: 'us' })
    if (response.status >= 300)
      return terminate(core, dialog, { text: 'Session timer expired', reason: 'session-expired' })
    if (dialog.sentAck?.cseq === response.cseq) return repeatAck(core, { dialog, response })
    if (response.get('Contact') !== '') dialog.target = uriOf(response.get('Contact'))
    sendAck(core, { dialog, ack: dialog.request('ACK') })
    startTimerOfAnswer(core, dialog, response)
  })
}
