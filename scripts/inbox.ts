/**
 * Where the walks in docs/walks send to: a mail server and a receiver of webhooks on the loopback that keep nothing and write
 * a line for each mail and each webhook. Arguments: the ports of both.
 */
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'

const [mailPort = '2525', webhookPort = '8090'] = process.argv.slice(2)

const mails = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  onData: (stream, { envelope }, done) => {
    const tell = async (): Promise<void> => {
      const { subject = '' } = await simpleParser(stream)
      console.log(`mail to ${envelope.rcptTo.map(({ address }) => address).join(', ')}: ${subject}`)
    }
    tell().then(() => done(), done)
  },
})

const webhooks = createServer((request, response) => {
  tell(request).then(
    () => response.writeHead(204).end(),
    () => response.writeHead(400).end(),
  )
})

async function tell(request: IncomingMessage): Promise<void> {
  const { type, data } = JSON.parse(await text(request)) as { readonly type: string; readonly data: unknown }
  console.log(`webhook ${type} ${JSON.stringify(data)}`)
}

mails.on('error', (error) => console.error(error.message))
mails.listen(Number(mailPort), '127.0.0.1')
webhooks.listen(Number(webhookPort), '127.0.0.1')
console.log(`mail at smtp://127.0.0.1:${mailPort}, webhooks at http://127.0.0.1:${webhookPort}`)
