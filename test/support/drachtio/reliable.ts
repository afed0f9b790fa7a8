/** Provisional answers that are sent again until their PRACK (RFC 3262), one after the other. */
import type { SipMessage } from './sip-message.ts'
import type { Timers } from './timers.ts'
import type { ServerTransaction } from './transactions.ts'

export class Reliable {
  readonly #transaction: ServerTransaction
  readonly #timers: Timers
  #rseq = 0
  #sent: SipMessage | undefined
  #queue: SipMessage[] = []
  /** Those that the app did not ask to be reliable: nobody tells it of their PRACK. */
  readonly #ofServer = new WeakSet<SipMessage>()
  #stop = (): void => undefined
  #final = (): void => undefined

  constructor(transaction: ServerTransaction, timers: Timers) {
    this.#transaction = transaction
    this.#timers = timers
  }

  /** Now, or after the PRACK of the one before. */
  send(answer: SipMessage): void {
    if (!wantsReliable(answer, 'Require')) {
      answer.add('Require', '100rel')
      this.#ofServer.add(answer)
    }
    this.#queue.push(answer)
    this.#next()
  }

  /** Whether the PRACK is of an answer that waits for it: one that the app made reliable, or one that the server did. */
  pracked(prack: SipMessage): 'app' | 'server' | undefined {
    const sent = this.#sent
    if (!sent || prack.get('RAck') !== `${this.#rseq} ${sent.get('CSeq')}`) return undefined
    this.stop()
    if (!this.#next()) this.#final()
    return this.#ofServer.has(sent) ? 'server' : 'app'
  }

  /** A 2xx waits until all are acknowledged. */
  whenAllAre(send: () => void): void {
    if (this.#sent) this.#final = send
    else send()
  }

  stop(): void {
    this.#stop()
    this.#sent = undefined
  }

  /** False where there is nothing to send. */
  #next(): boolean {
    const answer = this.#sent ? undefined : this.#queue.shift()
    if (!answer) return false
    this.#rseq += 1
    answer.set('RSeq', String(this.#rseq))
    this.#sent = answer
    this.#transaction.pass(answer)
    if (this.#transaction.source.transport !== 'tcp')
      this.#stop = this.#timers.repeat(() => this.#transaction.pass(answer), this.#timers.giveUpMs)
    return true
  }
}

/** Whether a list such as Supported or Require has 100rel in it. */
export function wantsReliable(message: SipMessage, ...names: readonly string[]): boolean {
  return names.some((name) => message.all(name).some((list) => /(^|[\s,])100rel([\s,]|$)/i.test(list)))
}
