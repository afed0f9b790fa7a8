/** A mail server in this process: it takes mail as real ones do, or fails in the ways they do. */
import type { AddressInfo, Socket } from 'node:net'
import { type ParsedMail, simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'

export type Behaviour =
  /** Takes all. */
  | 'takes'
  /** Never greets. */
  | 'hangs'
  /** 451 to every recipient. */
  | 'busy'
  /** 550 to every recipient. */
  | 'refuses'
  /** 550 to who sends it. */
  | 'refuses the sender'
  /** Takes the mail and drops the connection before it says so. */
  | 'drops'
  /** Takes the mail and says nothing. */
  | 'stalls'
  /** 554 to the mail itself. */
  | 'dislikes'

export interface Login {
  readonly user: string
  readonly password: string
}

export class TestMailServer {
  behaviour: Behaviour = 'takes'
  /** Of one address only; the others are as `behaviour` says. */
  readonly behaviours = new Map<string, Behaviour>()
  mails: ParsedMail[] = []
  connections = 0
  readonly #sockets = new Set<Socket>()
  readonly #server: SMTPServer
  readonly #login: Login | undefined

  constructor(options: { readonly login?: Login; readonly startTls?: boolean } = {}) {
    this.#login = options.login
    this.#server = new SMTPServer({
      authOptional: options.login === undefined,
      allowInsecureAuth: true,
      disabledCommands: options.startTls ? [] : ['STARTTLS'],
      onAuth: (auth, _session, done) => {
        const isRight = auth.username === this.#login?.user && auth.password === this.#login?.password
        if (isRight) done(null, { user: auth.username ?? '' })
        else done(new Error('wrong password'))
      },
      onConnect: (_session, done) => {
        this.connections += 1
        if (this.behaviour !== 'hangs') done()
      },
      onMailFrom: (_address, _session, done) => {
        const isRefused = this.behaviour === 'refuses the sender'
        done(isRefused ? Object.assign(new Error('who are you?'), { responseCode: 550 }) : null)
      },
      onRcptTo: ({ address }, _session, done) => {
        const behaviour = this.behaviours.get(address) ?? this.behaviour
        const code = behaviour === 'busy' ? 451 : behaviour === 'refuses' ? 550 : undefined
        const text = `<${address}>: not now or never`
        done(code === undefined ? null : Object.assign(new Error(text), { responseCode: code }))
      },
      onData: (stream, { envelope }, done) => {
        const [first] = envelope.rcptTo
        const behaviour = this.behaviours.get(first?.address ?? '') ?? this.behaviour
        void simpleParser(stream).then((mail) => {
          if (behaviour === 'dislikes') return done(Object.assign(new Error('spam'), { responseCode: 554 }))
          this.mails.push(mail)
          if (behaviour === 'drops') for (const socket of this.#sockets) socket.destroy()
          else if (behaviour !== 'stalls') done()
          return undefined
        })
      },
    })
    this.#server.server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    // Clients that leave in the middle are what is tested.
    this.#server.on('error', () => undefined)
  }

  async start(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#server.listen(0, '127.0.0.1', () => resolve(undefined))
    await promise
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port
  }

  get url(): string {
    const login = this.#login
    const who = login ? `${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}@` : ''
    return `smtp://${who}127.0.0.1:${this.port}`
  }

  /** "to: subject" of every mail. */
  get summary(): readonly string[] {
    return this.mails.map(({ to, subject }) => `${[to].flat()[0]?.text ?? ''}: ${subject ?? ''}`)
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#server.close(() => resolve(undefined))
    await promise
  }
}
