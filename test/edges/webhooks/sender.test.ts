import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { lookup } from 'node:dns'
import { describe, expect, it } from 'vitest'
import { HttpWebhookSender, type SenderSettings } from '../../../src/edges/webhooks/sender.ts'
import { isPublic, publicLookup, type Resolve } from '../../../src/edges/webhooks/public-address.ts'
import { isSignedBy, Receiver } from '../../webhooks/receiver.ts'

const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`
const secret = newSecret()
const message = { id: '3-17-0', type: 'balance.low', body: '{"type":"balance.low","data":{}}' }

function sender(settings: Partial<SenderSettings> = {}, resolve: Resolve = lookup): HttpWebhookSender {
  const inForce = { allowPrivate: true, deadlineSeconds: 5, ...settings }
  return new HttpWebhookSender({ clock: { nowMs: () => Date.now() }, settings: () => inForce, resolve })
}

const to = (url: string, ...secrets: readonly string[]) => ({ url, secrets: secrets.length > 0 ? secrets : [secret] })

describe('a message', () => {
  it('is signed with every secret over its id, time and body', async () => {
    const receiver = await Receiver.open()
    const [before, other] = [newSecret(), newSecret()]
    const sent = await sender().send(to(receiver.url, secret, before), message)
    expect(sent).toEqual({ kind: 'answered', status: 204, tookMs: expect.any(Number) as number })
    const [received] = receiver.received
    expect(received).toMatchObject({ id: '3-17-0', text: message.body })
    expect(received?.headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'tollgate-webhooks' })
    expect([secret, before, other].map((each) => received && isSignedBy(each, received))).toEqual([true, true, false])
    expect(received && isSignedBy(secret, { ...received, text: received.text.replace('low', 'high') })).toBe(false)
  })

  it.each([200, 302, 410, 500])('answered with %i is answered so, and goes nowhere else', async (status) => {
    const receiver = await Receiver.open()
    const elsewhere = await Receiver.open()
    receiver.answers = (_request, response) => response.writeHead(status, { location: elsewhere.url }).end()
    expect(await sender().send(to(receiver.url), message)).toMatchObject({ kind: 'answered', status })
    expect(elsewhere.received).toEqual([])
  })

  it('is answered by the status, however much is said beside it', async () => {
    const receiver = await Receiver.open()
    receiver.answers = (_request, response) => {
      response.writeHead(200)
      const more = setInterval(() => response.write('x'.repeat(16_384)), 1)
      response.on('close', () => clearInterval(more))
    }
    expect(await sender().send(to(receiver.url), message)).toMatchObject({ kind: 'answered', status: 200 })
  })

  it.each([
    ['nothing is answered', () => undefined],
    [
      'the answer never ends',
      (response: { writeHead(status: number): { write(text: string): unknown } }) => response.writeHead(200).write('x'),
    ],
  ])('is given up after the deadline when %s', async (_what, answer) => {
    const receiver = await Receiver.open()
    receiver.answers = (_request, response) => void answer(response)
    const sent = await sender({ deadlineSeconds: 0.2 }).send(to(receiver.url), message)
    expect(sent).toEqual({ kind: 'failed', why: 'did not answer in time', tookMs: expect.any(Number) as number })
  })

  it('that nobody takes, or that is answered with no HTTP, has failed', async () => {
    const server = createServer((socket) => socket.resume().end('what?\r\n\r\n'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { readonly port: number }
    const odd = await sender().send(to(`http://127.0.0.1:${port}/`), message)
    await new Promise((resolve) => server.close(resolve))
    expect(odd).toMatchObject({ kind: 'failed' })
    const refused = await sender().send(to(`http://127.0.0.1:${port}/`), message)
    expect(refused).toMatchObject({ kind: 'failed', why: expect.stringContaining('ECONNREFUSED') as string })
  })
})

describe('an address that only this machine can reach', () => {
  it.each([
    '127.0.0.1',
    '127.8.8.8',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '192.0.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '240.0.0.1',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    'fe80::1',
    'fc00::1',
    'fd12:3456::1',
    'ff02::1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::1',
    '2001:db8::1',
    'not an address',
  ])('is not public: %s', (address) => {
    expect(isPublic(address)).toBe(false)
  })

  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700:4700::1111', '::ffff:8.8.8.8'])('is not %s', (address) => {
    expect(isPublic(address)).toBe(true)
  })

  it.each([
    ['http://example.com/', 'must begin with https://'],
    ['https://127.0.0.1/', '127.0.0.1 is not a public address'],
    ['https://2130706433/', '127.0.0.1 is not a public address'],
    ['https://0x7f.1/', '127.0.0.1 is not a public address'],
    ['https://[::1]:8484/', '::1 is not a public address'],
    ['https://[::ffff:169.254.169.254]/', '::ffff:a9fe:a9fe is not a public address'],
    ['https://user:pass@example.com/', 'must not have a user or password'],
    ['ftp://example.com/', 'must be a URL such as https://example.com/hook'],
    ['file:///etc/passwd', 'must be a URL such as https://example.com/hook'],
    ['javascript:alert(1)', 'must be a URL such as https://example.com/hook'],
    ['https://', 'must be a URL such as https://example.com/hook'],
    ['', 'must be a URL such as https://example.com/hook'],
  ])('is refused in %s', async (url, why) => {
    const strict = sender({ allowPrivate: false })
    expect(strict.refuses(url)).toBe(why)
    expect(await strict.send(to(url), message)).toMatchObject({ kind: 'failed', why })
  })

  it('is taken in a URL where the settings allow it', () => {
    expect(sender().refuses('http://127.0.0.1:8080/hook')).toBeUndefined()
    expect(sender({ allowPrivate: false }).refuses('https://example.com/hook')).toBeUndefined()
  })

  it.each([
    ['alone', ['127.0.0.1']],
    ['beside a public one', ['8.8.8.8', '10.0.0.1']],
    ['by IPv6', ['::1']],
  ])('is not sent to when a name resolves to it, %s', async (_what, addresses) => {
    const strict = sender({ allowPrivate: false }, resolvesTo(addresses))
    expect(await strict.send(to('https://rebound.example/'), message)).toMatchObject({
      kind: 'failed',
      why: expect.stringMatching(/^resolves to .*, which is not a public address$/) as string,
    })
  })

  it.each([true, false])('is not what is connected to: that is the address that was looked at, all: %s', (all) => {
    const given: unknown[] = []
    publicLookup(resolvesTo(['8.8.8.8', '1.1.1.1']))('rebound.example', { all }, (...answer) => given.push(...answer))
    const found = [
      { address: '8.8.8.8', family: 4 },
      { address: '1.1.1.1', family: 4 },
    ]
    expect(given).toEqual(all ? [null, found] : [null, '8.8.8.8', 4])
  })

  it('is refused at this name', async () => {
    const sent = await sender({ allowPrivate: false }).send(to('https://localhost:9/'), message)
    expect(sent).toMatchObject({ why: expect.stringContaining('is not a public address') as string })
  })
})

function resolvesTo(addresses: readonly string[]): Resolve {
  const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  return (_hostname, _options, done) => done(null, found)
}
