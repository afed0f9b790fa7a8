/** The settings of the SIP edge: the drachtio-servers it works for, and what becomes of the calls of each trunk group. */
import { z } from 'zod'
import { parseNetwork } from '../trunks/network.ts'
import { label, name, seconds } from './fields.ts'

const server = z.strictObject({
  host: label().default('127.0.0.1').describe('Address of its admin side.'),
  port: z.int().min(1).max(65_535).default(9022).describe('Port of its admin side.'),
  secret: z.string().min(1).max(256).default('cymru').meta({ secret: true, description: 'Its admin secret.' }),
})

const hop = z.strictObject({
  uri: z
    .string()
    .max(256)
    .regex(/^sips?:(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?(;transport=(udp|tcp|tls))?$/, {
      error: 'must be the SIP address of a host, such as sip:10.0.0.5:5060;transport=tcp',
    })
    .describe('Where the call goes; the called number is put before it.'),
  tariff: name().optional().describe('What calls over this hop cost, for `lossless`.'),
})

const headerName = z.string().regex(/^(\*|[A-Za-z0-9-]{1,64})$/, 'must be the name of a header, or "*"')

/** Headers that the server writes itself. */
const OF_THE_STACK =
  /^(via|v|from|f|to|t|call-id|i|cseq|contact|m|route|record-route|max-forwards|content-length|l|require|proxy-require)$/i

const ownHeader = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,64}$/, 'must be the name of a header')
  .refine((name) => !OF_THE_STACK.test(name), 'is written by the server itself')

const group = z.strictObject({
  mode: z
    .enum(['b2bua', 'redirect', 'observe'])
    .default('b2bua')
    .describe('Through us, which alone enforces; 302 to the hops; or proxied, and what it would have cost is logged.'),
  hops: z.array(hop).min(1).max(16).describe('Tried in their order: the next one after 5xx, 408 or silence.'),
  lossless: z.boolean().default(false).describe('A hop whose tariff is dearer than the price of the call is skipped.'),
  tryMs: z.int().min(100).max(30_000).default(4_000).describe('A hop that says nothing within this is passed over.'),
  ringSeconds: seconds(5, 600).default(90).describe('How long the called side may ring.'),
  copyHeaders: z
    .array(headerName)
    .max(64)
    .default(['*'])
    .describe('Headers that pass from one side to the other; "*" is all that may.'),
  sessionSeconds: seconds(90, 7_200)
    .default(300)
    .describe('Session timer of both sides, where they have one: so long a dead side may go unnoticed.'),
  cutStatus: z.int().min(400).max(699).default(402).describe('Status in the Reason of a call that is cut.'),
})

function line(longest: number) {
  return z
    .string()
    .max(longest)
    .regex(/^[^\r\n]*$/, 'must be one line')
}

function rate() {
  return z.int().min(1).max(100_000)
}

function network() {
  return z.string().superRefine((text, context) => {
    const parsed = parseNetwork(text)
    if (typeof parsed === 'string')
      context.addIssue({ code: 'custom', message: `${parsed}, not "${text.slice(0, 64)}"` })
  })
}

export const sip = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Work for drachtio-servers.'),
    node: name().default('sip').describe('Name of the edge whose calls come this way; workers share it.'),
    servers: z
      .array(server)
      .min(1)
      .max(16)
      .default([{ host: '127.0.0.1', port: 9022, secret: 'cymru' }])
      .describe('The servers.'),
    realm: label(100)
      .regex(/^[^"\\]+$/, 'must have no quotes')
      .default('tollgate')
      .describe('What callers with digest authentication are asked to log in to.'),
    digestAlgorithm: z
      .enum(['MD5', 'SHA-256'])
      .default('MD5')
      .describe('How passwords are proven; all phones know MD5.'),
    invitesPerSecond: z
      .strictObject({
        source: rate().default(500).describe('From one address.'),
        account: rate().default(100).describe('For one account, whatever it comes from.'),
      })
      .prefault({})
      .describe('How many INVITEs each worker takes; others get 503. Emergency calls are not counted.'),
    warning: z
      .strictObject({
        headers: z
          .record(ownHeader, line(256))
          .default({ 'X-Tollgate-Seconds-Left': '{seconds}' })
          .describe('Its headers; `{seconds}` is what is left.'),
        body: z.string().max(2_000).optional().describe('Its body, likewise; a Content-Type is one of the headers.'),
      })
      .prefault({})
      .describe('The INFO to the caller before the money ends, where `calls.warnSeconds` wants one.'),
    trustedSources: z
      .array(network())
      .max(1_000)
      .default([])
      .describe('Addresses and networks whose P-Asserted-Identity says who calls.'),
    groups: z
      .record(name(), group)
      .default({})
      .describe('Trunk groups; rules of trunks.yaml name theirs, "default" is that of all others.'),
  })
  .prefault({})
  .meta({ restart: true, description: 'The SIP edge, by drachtio-server.' })
