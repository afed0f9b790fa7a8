/** CANCEL of an INVITE that we sent: over whichever connection to its server there is, which knows the INVITE by its id. */
import type { DrachtioClient, Headers, SipRequest } from './drachtio.ts'

const AGAIN_MS = 1_000
/** Nobody's phone rings much longer. */
const MOST_TRIES = 120

/** Nobody waits for whether it worked: what was answered meanwhile is hung up on. Tried again while there is no connection. */
export function cancelInvite(client: DrachtioClient, invite: SipRequest, headers: Headers): void {
  const { uri, stackTxnId } = invite
  const send = (triesLeft: number): void => {
    const again = (): void => {
      if (triesLeft > 0) setTimeout(() => send(triesLeft - 1), AGAIN_MS).unref()
    }
    try {
      client.request(uri, { method: 'CANCEL', uri, stackTxnId, headers }, (error) => {
        if (error?.code === 'ESOCKETDESTROYED') again()
      })
    } catch {
      again()
    }
  }
  send(MOST_TRIES)
}
