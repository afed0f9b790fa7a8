/** Calls off what was begun with the called side: over whichever connection to its server there is, which knows it by its id. */
import { TARGET } from './by-id.ts'
import type { ByDialogId, Cancel, DrachtioClient, Headers, SipRequest } from './drachtio.ts'

const AGAIN_MS = 1_000
/** Nobody's phone rings much longer. */
const MOST_TRIES = 120

/** Nobody waits for whether it worked: what was answered meanwhile is hung up on. Tried again while there is no connection. */
export function cancelInvite(client: DrachtioClient, { uri, stackTxnId }: SipRequest, headers: Headers): void {
  send(client, { method: 'CANCEL', uri, stackTxnId, headers })
}

/** Likewise of a dialog whose own connection broke. */
export function endDialog(client: DrachtioClient, stackDialogId: string, headers: Headers): void {
  send(client, { method: 'BYE', uri: TARGET, stackDialogId, headers })
}

function send(client: DrachtioClient, request: Cancel | ByDialogId, triesLeft = MOST_TRIES): void {
  const again = (): void => {
    if (triesLeft > 0) setTimeout(() => send(client, request, triesLeft - 1), AGAIN_MS).unref()
  }
  try {
    client.request(request.uri, request, (error) => {
      if (error?.code === 'ESOCKETDESTROYED') again()
    })
  } catch {
    again()
  }
}
