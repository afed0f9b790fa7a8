/** Dialogs that another worker, or a dead one, set up: the server takes requests in them from anybody who knows their id. */
import type { DrachtioClient, Headers, SipDialog, SipResponse } from './drachtio.ts'

/** Whether the server has the dialog; `unknown` where it did not say. */
export type Found = 'there' | 'gone' | 'unknown'

/** A dialog's id is made of what its INVITE said (drachtio-server v0.9). */
export function dialogId(callId: string, fromTag: string): string {
  return `${callId};from-tag=${fromTag}`
}

/** The server puts the dialog's own target in its place. */
export const TARGET = 'sip:placeholder'

/**
 * Looks a dialog up without a word to its phone: the server finds the dialog first and then refuses a method that is none.
 * Phones are not asked, as many hang up on an OPTIONS that they did not expect; one that died is found by its session timer.
 */
export function findById(client: DrachtioClient, id: string, withinMs: number): Promise<Found> {
  return ask({ client, id, method: 'TOLLGATE', headers: {}, withinMs }, (error) => {
    return /invalid or missing method/.test(error?.message ?? '') ? 'there' : 'unknown'
  })
}

/** Ends a dialog; `gone` when it is over, also when it was before. */
export function byeById(
  client: DrachtioClient,
  { id, headers, withinMs }: { readonly id: string; readonly headers: Headers; readonly withinMs: number },
): Promise<Found> {
  return ask({ client, id, method: 'BYE', headers, withinMs }, () => 'unknown')
}

/** A request in the dialog that its phone answers as it likes. */
export function infoById(
  client: DrachtioClient,
  { id, withinMs, ...info }: { readonly id: string; readonly withinMs: number } & Info,
): Promise<Found> {
  return ask({ client, id, method: 'INFO', withinMs, ...info }, () => 'unknown')
}

export interface Info {
  readonly headers: Headers
  readonly body?: string
}

/** The called side before its answer, as far as the server has a dialog with it. */
export function earlyDialog(client: DrachtioClient, id: string): Pick<SipDialog, 'request'> {
  return {
    request(content, done) {
      try {
        client.request(TARGET, { ...content, stackDialogId: id, uri: TARGET }, (error, sent) => {
          if (error || !sent) return done(error ?? new Error('not sent'))
          sent.on('response', (response: SipResponse) => {
            if (response.status >= 200) done(null, response)
          })
        })
      } catch (error) {
        // There is no connection to the server.
        done(error)
      }
    },
  }
}

interface Asking {
  readonly client: DrachtioClient
  readonly id: string
  readonly method: string
  readonly headers: Headers
  readonly body?: string
  readonly withinMs: number
}

function ask(
  { client, id, withinMs, ...request }: Asking,
  whenRefused: (error: Error | null) => Found,
): Promise<Found> {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve('unknown'), withinMs)
    const end = (found: Found): void => {
      clearTimeout(late)
      resolve(found)
    }
    try {
      client.request(TARGET, { ...request, stackDialogId: id, uri: TARGET }, (error, sent) => {
        if (error?.code === 'ENODIALOG') return end('gone')
        if (error || !sent) return end(whenRefused(error))
        sent.on('response', ({ status }: SipResponse) => {
          // Whatever a phone says to a BYE, its dialog is over.
          if (status >= 200) end(request.method === 'BYE' || status === 481 ? 'gone' : 'there')
        })
      })
    } catch {
      // There is no connection to the server.
      end('unknown')
    }
  })
}
