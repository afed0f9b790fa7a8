/** Mail by SMTP. What is handed over twice has the same Message-ID, by which mail servers and readers know it again. */
import { hash } from 'node:crypto'
import { createTransport, type SMTPPoolOptions, type Transporter } from 'nodemailer'
import { Fault } from '../../base/fault.ts'
import type { Handed, Mail, Mailer } from '../../notices/mail.ts'

export interface SmtpSettings {
  /** smtp://user:password@host:port, or smtps:// for TLS from the first byte. Never shown. */
  readonly url: string
  readonly from: string
  readonly fromName?: string
  readonly replyTo?: string
  /** Also without TLS, credentials included. */
  readonly allowPlain: boolean
  readonly timeoutMs: number
}

const MAX_CONNECTIONS = 2
const MAX_MESSAGES = 100

/** Greeting, envelope and data each have a deadline of their own; together they have this many. */
const STEPS = 3

export class SmtpMailer implements Mailer {
  readonly atOnce = MAX_CONNECTIONS
  readonly #transport: Transporter
  readonly #settings: SmtpSettings

  constructor(settings: SmtpSettings) {
    this.#settings = settings
    this.#transport = createTransport(optionsOf(settings))
  }

  async send(mail: Mail): Promise<Handed> {
    try {
      await this.#inTime(this.#transport.sendMail(this.#message(mail)))
      return { kind: 'sent' }
    } catch (error) {
      const failure = error as SmtpFailure
      if (isForGood(failure)) return { kind: 'refused', reason: sentence(failure) }
      // Without its cause, which holds the address in many places.
      throw new Fault('edge_unreachable', `the mail server did not take the mail: ${sentence(failure)}`, {
        retryable: true,
      })
    }
  }

  close(): void {
    this.#transport.close()
  }

  #message({ id, to, subject, text, html }: Mail) {
    const { from, fromName, replyTo } = this.#settings
    const domain = from.slice(from.lastIndexOf('@') + 1)
    return {
      from: { name: fromName ?? '', address: from },
      to: { name: '', address: to },
      ...(replyTo === undefined ? {} : { replyTo }),
      messageId: `<${hash('sha256', id, 'hex').slice(0, 40)}@${domain}>`,
      subject,
      text,
      html,
      // Nobody's holiday reply is wanted (RFC 3834).
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      disableFileAccess: true,
      disableUrlAccess: true,
    }
  }

  async #inTime(sending: Promise<unknown>): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>()
    const deadlineMs = this.#settings.timeoutMs * STEPS
    const timer = setTimeout(() => reject(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs)
    try {
      await Promise.race([sending, promise])
    } finally {
      clearTimeout(timer)
    }
  }
}

function optionsOf({ url, allowPlain, timeoutMs }: SmtpSettings): SMTPPoolOptions {
  return {
    url,
    pool: true,
    maxConnections: MAX_CONNECTIONS,
    maxMessages: MAX_MESSAGES,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    requireTLS: !allowPlain && !url.toLowerCase().startsWith('smtps:'),
  }
}

interface SmtpFailure {
  readonly message?: string
  readonly code?: string
  /** What the server answered to. */
  readonly command?: string
  readonly responseCode?: number
}

/** The reader or the mail was refused with 5xx. That we may not log in, or not send as we do, is for a person to set right. */
function isForGood({ command, responseCode = 0 }: SmtpFailure): boolean {
  return (command === 'RCPT TO' || command === 'DATA') && responseCode >= 500
}

const LONGEST_REASON = 200

/** Servers repeat the address; logs and lists of jobs are no place for it. */
function sentence({ message = '', code, responseCode }: SmtpFailure): string {
  const said = message.replace(/\s+/g, ' ').replace(/[^\s<>"]+@[^\s<>"]+/g, '…')
  const words = [code, responseCode, said.slice(0, LONGEST_REASON)]
  return words.filter((word) => word !== undefined && word !== '').join(' ')
}
