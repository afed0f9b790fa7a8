/** An app on the unmodified drachtio-srf, for the tests of the double; what that types wrongly is put right here. */
import Srf from 'drachtio-srf'
import { until } from '../../edges/sip/process.ts'
import type { DrachtioServer } from './drachtio-server.ts'

export type Invite = (call: { req: Srf.SrfRequest; res: Srf.SrfResponse; app: TestApp }) => Promise<unknown> | undefined

type Login = Pick<DrachtioServer, 'adminPort' | 'secret'>

export interface Legs {
  readonly uas: Srf.Dialog
  readonly uac: Srf.Dialog
}

export interface CdrEvent {
  readonly kind: string
  readonly source: string
  /** The role of a start, the reason of a stop. */
  readonly what: string
  readonly callId: string
}

interface Proxied {
  readonly connected: boolean
  readonly finalStatus: number
}

type Sent = (error: Error | null, request?: Srf.SrfRequest) => void

interface Asking {
  request(uri: string, options: object): Promise<Srf.SrfRequest>
  request(uri: string, options: object, sent: Sent): void
  proxyRequest(req: Srf.SrfRequest, targets: string[], options: object): Promise<Proxied>
}

const CDR_KINDS = ['cdr:attempt', 'cdr:start', 'cdr:stop'] as const

export class TestApp {
  readonly srf = new Srf()
  readonly cdrs: CdrEvent[] = []
  /** How each INVITE ended for its handler, in their order. */
  readonly outcomes: unknown[] = []
  #connects = 0

  static async connect({ adminPort, secret }: Login, onInvite?: Invite): Promise<TestApp> {
    const app = new TestApp()
    app.srf.on('error', () => undefined)
    app.srf.on('connect', (error: Error | null) => {
      if (!error) app.#connects += 1
    })
    for (const kind of CDR_KINDS) app.#note(kind)
    if (onInvite) {
      app.srf.invite((req, res) => {
        app.#handle(onInvite, { req, res })
      })
    }
    const settings = { host: '127.0.0.1', port: adminPort, secret, reconnect: { retryMaxDelay: 200 } }
    void app.srf.connect(settings)
    await app.connected(1)
    return app
  }

  /** Until it has logged in for the nth time, and its routes had time to be taken. */
  async connected(times: number): Promise<void> {
    await until(`login ${times}`, () => this.#connects >= times)
    await this.barrier()
  }

  /** All it sent before has been taken: frames are taken in their order. */
  async barrier(): Promise<void> {
    const gone = await this.bye('no-such-dialog;from-tag=none').then(
      () => undefined,
      (error: unknown) => error,
    )
    if (!(gone instanceof Error)) throw new Error('a dialog was found that never was')
  }

  /** Ends the connection and does not come back, as a process that was stopped. */
  leave(): void {
    try {
      this.srf.disconnect()
    } catch {
      // It was not connected.
    }
  }

  request(uri: string, options: object): Promise<Srf.SrfRequest> {
    return this.#asking.request(uri, options)
  }

  proxy(req: Srf.SrfRequest, ports: readonly number[], options: object): Promise<Proxied> {
    const targets = ports.map((port) => `sip:127.0.0.1:${port}`)
    return this.#asking.proxyRequest(req, targets, options)
  }

  /** Resolves with the status of the final answer. */
  async ask(uri: string, options: object): Promise<number> {
    const sent = Promise.withResolvers<number>()
    // By callback: the answer may be in the same packet as the echo, and is shown before a promise would be kept.
    this.#asking.request(uri, options, (error, request) => {
      if (error || !request) sent.reject(error ?? new Error('nothing was sent'))
      else sent.resolve(answered(request))
    })
    return await sent.promise
  }

  /** A BYE by the id of a dialog, whoever set that up; resolves as `ask`. */
  async bye(id: string): Promise<number> {
    return await this.ask('sip:placeholder', { method: 'BYE', stackDialogId: id })
  }

  get #asking(): Asking {
    return this.srf as unknown as Asking
  }

  #handle(onInvite: Invite, { req, res }: { req: Srf.SrfRequest; res: Srf.SrfResponse }): void {
    Promise.resolve(onInvite({ req, res, app: this })).then(
      (outcome) => this.outcomes.push(outcome),
      (error: unknown) => this.outcomes.push(error),
    )
  }

  #note(kind: (typeof CDR_KINDS)[number]): void {
    const listen = this.srf.on.bind(this.srf) as (event: string, listener: (...args: unknown[]) => void) => void
    listen(kind, (...args) => {
      const message = args.at(-1) as Srf.SipMessage
      const what = kind === 'cdr:attempt' ? '' : String(args[2])
      this.cdrs.push({ kind, source: String(args[0]), what, callId: message.get('Call-ID') })
    })
  }
}

/** Connects both legs and ends the one when the other has been hung up. */
export async function connect(
  { req, res, app }: Parameters<Invite>[0],
  port: number,
  options: Srf.CreateB2BUAOptions = {},
): Promise<Legs> {
  const legs = await app.srf.createB2BUA(req, res, `sip:called@127.0.0.1:${port}`, options)
  legs.uas.on('destroy', () => legs.uac.destroy())
  legs.uac.on('destroy', () => legs.uas.destroy())
  return legs
}

/** Resolves with what the far end made of it. */
export async function hangUp(dialog: Srf.Dialog, reason: string): Promise<void> {
  await (dialog.destroy({ headers: { Reason: reason } }) as unknown as Promise<unknown>)
}

/** Passes a re-INVITE to the other leg and its answer back. */
export async function forward(
  to: Srf.Dialog,
  { req, res }: { req: Srf.SrfRequest; res: Srf.SrfResponse },
): Promise<void> {
  const answer = await to.request({ method: 'INVITE', body: req.body } as unknown as Srf.SrfRequest)
  res.send(answer.status, answer.reason, { body: answer.body })
}

/** The final status; -1 when there is none in time. */
export async function answered(request: Srf.SrfRequest, withinMs = 5_000): Promise<number> {
  return await new Promise((resolve) => {
    const timer = setTimeout(() => resolve(-1), withinMs)
    request.on('response', (response) => {
      if (!response || response.status < 200) return
      clearTimeout(timer)
      resolve(response.status)
    })
  })
}

export function dialogIdOf(dialog: Srf.Dialog): string {
  return (dialog as unknown as { id: string }).id
}
