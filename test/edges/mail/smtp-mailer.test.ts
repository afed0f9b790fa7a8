import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { Fault } from '../../../src/base/fault.ts'
import { SmtpMailer, type SmtpSettings } from '../../../src/edges/mail/smtp-mailer.ts'
import type { Mail } from '../../../src/notices/mail.ts'
import { type Behaviour, TestMailServer } from '../../support/mail-server.ts'

const mail: Mail = {
  id: '3-1795435200000-0 ops@example.com',
  to: 'ops@example.com',
  subject: 'Ihr Guthaben ist aufgebraucht – €',
  text: 'Verfügbar: 0,00 €\n',
  html: '<p>Verfügbar: 0,00&nbsp;€</p>',
}

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function opened(
  behaviour: Behaviour = 'takes',
  changes: Partial<SmtpSettings> = {},
  options: ConstructorParameters<typeof TestMailServer>[0] = {},
) {
  const server = new TestMailServer(options)
  server.behaviour = behaviour
  await server.start()
  closing.push(() => server.stop())
  const settings = { url: server.url, from: 'billing@tollgate.example', allowPlain: true, timeoutMs: 400, ...changes }
  const mailer = new SmtpMailer(settings)
  closing.push(() => mailer.close())
  return { server, mailer }
}

describe('mail by SMTP', () => {
  it('arrives in both forms, whatever letters it has, and says that nobody wrote it', async () => {
    const { server, mailer } = await opened('takes', {
      fromName: 'Müller "Tel", Inc.',
      replyTo: 'help@tollgate.example',
    })
    expect(await mailer.send(mail)).toEqual({ kind: 'sent' })
    expect(server.mails).toMatchObject([
      {
        from: { value: [{ address: 'billing@tollgate.example', name: 'Müller "Tel", Inc.' }] },
        to: { value: [{ address: 'ops@example.com' }] },
        replyTo: { value: [{ address: 'help@tollgate.example' }] },
        subject: mail.subject,
        text: mail.text,
      },
    ])
    expect(server.mails[0]?.html).toContain('Verfügbar: 0,00&nbsp;€')
    expect(server.mails[0]?.headers.get('auto-submitted')).toBe('auto-generated')
  })

  it('has the same Message-ID each time it is handed over, and another for another address', async () => {
    const { server, mailer } = await opened()
    for (const id of [mail.id, mail.id, '3-1795435200000-0 cfo@example.com']) await mailer.send({ ...mail, id })
    const ids = server.mails.map(({ messageId }) => messageId)
    expect(ids[0]).toMatch(/^<[0-9a-f]{40}@tollgate\.example>$/)
    expect(ids[1]).toBe(ids[0])
    expect(ids[2]).not.toBe(ids[0])
  })

  it.each([
    ['a subject', { subject: 'Low\r\nBcc: thief@example.com' }],
    ['an address', { to: 'ops@example.com\r\nBcc: thief@example.com' }],
    ['an address that is a list', { to: 'ops@example.com, thief@example.com' }],
  ])('takes no header and no reader from %s', async (_what, changes) => {
    const { server, mailer } = await opened()
    await mailer.send({ ...mail, ...changes }).catch(() => undefined)
    for (const got of server.mails) {
      expect(got.bcc).toBeUndefined()
      expect(JSON.stringify(got.headerLines)).not.toMatch(/"bcc"/)
      expect([got.to].flat()[0]?.value).toHaveLength(1)
    }
  })

  it.each(['refuses', 'dislikes'] as const)('is refused for good by a server that %s it', async (behaviour) => {
    const { mailer } = await opened(behaviour)
    expect(await mailer.send(mail)).toMatchObject({ kind: 'refused', reason: expect.stringMatching(/55[04]/) })
  })

  it.each(['hangs', 'busy', 'drops', 'stalls', 'refuses the sender'] as const)(
    'may be tried again with a server that %s',
    async (behaviour) => {
      const { server, mailer } = await opened(behaviour)
      const failure = await mailer.send(mail).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'edge_unreachable', retryable: true })
      server.behaviour = 'takes'
      expect(await mailer.send(mail)).toEqual({ kind: 'sent' })
      expect(new Set(server.mails.map(({ messageId }) => messageId)).size).toBe(1)
    },
  )

  it.each(['busy', 'refuses'] as const)('says why a server %s it, and not to whom it was', async (behaviour) => {
    const { mailer } = await opened(behaviour)
    const end = await mailer.send(mail).catch((error: unknown) => error)
    const said = end instanceof Fault ? inspect(end) : JSON.stringify(end)
    expect(said).toContain('not now or never')
    expect(said).not.toContain('@example.com')
  })

  it('may be tried again when nobody listens', async () => {
    const { server, mailer } = await opened()
    await server.stop()
    await expect(mailer.send(mail)).rejects.toBeInstanceOf(Fault)
  })

  it('goes over connections that are kept', async () => {
    const { server, mailer } = await opened()
    for (let n = 0; n < 10; n += 1) await mailer.send({ ...mail, id: String(n) })
    expect(server.mails).toHaveLength(10)
    expect(server.connections).toBeLessThanOrEqual(2)
  })

  const login = { user: 'tollgate', password: 'p@ss/w:rd' }

  it('logs in with the name and password of the URL', async () => {
    const { server, mailer } = await opened('takes', {}, { login })
    expect(await mailer.send(mail)).toEqual({ kind: 'sent' })
    expect(server.mails).toHaveLength(1)
  })

  it('says why it may not log in, and never the password', async () => {
    const { server } = await opened('takes', {}, { login })
    const mailer = new SmtpMailer({
      url: server.url.replace('p%40ss', 'old-secret'),
      from: 'billing@tollgate.example',
      allowPlain: true,
      timeoutMs: 400,
    })
    closing.push(() => mailer.close())
    const failure = (await mailer.send(mail).catch((error: unknown) => error)) as Fault
    expect(failure).toMatchObject({ code: 'edge_unreachable', retryable: true })
    expect(failure.message).toMatch(/EAUTH/)
    expect(inspect(failure)).not.toContain('old-secret')
  })

  it('is not sent in the clear unless that is allowed', async () => {
    const { server, mailer } = await opened('takes', { allowPlain: false }, { login })
    await expect(mailer.send(mail)).rejects.toMatchObject({ retryable: true })
    expect(server.mails).toEqual([])
  })

  it('is sent over TLS where the server begins it, whose certificate must be good', async () => {
    const { server, mailer } = await opened('takes', { allowPlain: false }, { startTls: true })
    await expect(mailer.send(mail)).rejects.toMatchObject({ retryable: true })
    expect(server.mails).toEqual([])
    const trusting = new SmtpMailer({
      url: `${server.url}/?tls.rejectUnauthorized=false`,
      from: 'billing@tollgate.example',
      allowPlain: false,
      timeoutMs: 400,
    })
    closing.push(() => trusting.close())
    expect(await trusting.send(mail)).toEqual({ kind: 'sent' })
  })
})
