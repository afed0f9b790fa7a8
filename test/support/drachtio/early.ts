/** What a caller says in its call before that is answered: PRACK, UPDATE and the like. */
import { randomUUID } from 'node:crypto'
import { meta, type Core } from './core.ts'
import { dialogId } from './dialogs.ts'
import type { Incoming } from './from-network.ts'
import { responseTo } from './sip-message.ts'
import type { ServerTransaction } from './transactions.ts'

export class Early {
  readonly #core: Core
  readonly #incoming: Map<string, Incoming>
  /** Ids of UPDATEs by that of their INVITE, which is all that an app is told. */
  readonly #updates = new Map<string, string>()
  /** INVITEs whose dialog the server knows the app of: from their first PRACK on. */
  readonly #known = new WeakSet<Incoming>()

  constructor(core: Core, incoming: Map<string, Incoming>) {
    this.#core = core
    this.#incoming = incoming
  }

  /** Which request an app answers by that id. */
  idOf(id: string, { cseqMethod }: { readonly cseqMethod: string }): string {
    return (cseqMethod === 'UPDATE' && this.#updates.get(id)) || id
  }

  receive(transaction: ServerTransaction): void {
    const { request } = transaction
    const [id = '', invite] = [...this.#incoming].find(([, held]) => isOf(held, transaction)) ?? []
    if (!invite) return reply(transaction, 481, 'Call/Transaction Does Not Exist')
    if (request.method === 'PRACK') {
      const whose = invite.reliable?.pracked(request)
      if (!whose) return reply(transaction, 481, 'No such response')
      if (whose === 'server') return reply(transaction, 200, 'OK')
      this.#known.add(invite)
    }
    if (this.#known.has(invite)) return this.#show(transaction, invite, randomUUID())
    if (request.method === 'UPDATE') return this.#showUpdate(transaction, invite, id)
    this.#showAnybody(transaction)
  }

  #show(transaction: ServerTransaction, invite: Incoming, id: string, shown = id): void {
    const { client, localTag } = invite
    this.#incoming.set(id, { transaction, client, localTag, stopWaiting: () => undefined })
    const { request, source } = transaction
    const words = ['sip', ...meta('network', request, source), shown, dialogId(invite.transaction.request), '']
    client.send(words, request.toString())
  }

  /** One at a time (RFC 3311, 5.2). */
  #showUpdate(transaction: ServerTransaction, invite: Incoming, inviteId: string): void {
    const before = this.#updates.get(inviteId)
    if (before !== undefined && this.#incoming.has(before)) return reply(transaction, 500, 'Internal Server Error')
    const id = randomUUID()
    this.#updates.set(inviteId, id)
    this.#show(transaction, invite, id, inviteId)
  }

  /** The real server shows it to whoever asked for such requests, and refuses it before anybody can answer. */
  #showAnybody(transaction: ServerTransaction): void {
    const { request, source } = transaction
    const client = this.#core.admin().next(request.method.toLowerCase())
    const to = ['127.0.0.1', String(this.#core.wire.port), '']
    client?.send(['sip', ...meta('network', request, source), randomUUID(), '', ...to], request.toString())
    if (client) reply(transaction, 500, 'Internal Server Error')
    else reply(transaction, 503, 'Service Unavailable')
  }
}

function isOf({ transaction, localTag, reliable }: Incoming, { request }: ServerTransaction): boolean {
  return (
    reliable !== undefined &&
    transaction.request.method === 'INVITE' &&
    transaction.request.get('Call-ID') === request.get('Call-ID') &&
    localTag === request.toTag
  )
}

function reply(transaction: ServerTransaction, status: number, reason: string): void {
  transaction.respond(responseTo(transaction.request, status, reason))
}
