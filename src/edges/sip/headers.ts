/** Which headers pass a back-to-back user agent, and which are its own. */
import type { Headers, SipMessage } from './drachtio.ts'

/** Of one side only (RFC 7092), or made anew by the server for the other. */
const OWN = new Set([
  'via',
  'route',
  'record-route',
  'path',
  'from',
  'to',
  'call-id',
  'cseq',
  'contact',
  'max-forwards',
  'content-length',
  'content-type',
  'authorization',
  'proxy-authorization',
  'proxy-authenticate',
  'www-authenticate',
  'authentication-info',
  'session-expires',
  'min-se',
  'supported',
  'unsupported',
  'require',
  'proxy-require',
  'rseq',
  'rack',
  'timestamp',
  'retry-after',
])

/** Say who the caller is: only those whose word is taken may say it. */
const IDENTITY = new Set(['p-asserted-identity', 'p-preferred-identity', 'remote-party-id'])

/** Extensions that work across us, as both sides must agree on them. */
const PASSING_EXTENSIONS = new Set(['100rel', 'timer', 'norefersub', 'histinfo', 'resource-priority'])

export interface Copying {
  /** Names, or `*`. */
  readonly names: readonly string[]
  readonly identity: boolean
}

/** The headers of a message that go to the other side. */
export function copied(message: SipMessage, { names, identity }: Copying): Record<string, string> {
  const wanted = names.includes('*') ? undefined : new Set(names.map((name) => name.toLowerCase()))
  const passes = (name: string): boolean => {
    if (OWN.has(name) || name.startsWith('x-tollgate-')) return false
    if (IDENTITY.has(name) && !identity) return false
    return wanted === undefined || wanted.has(name)
  }
  return Object.fromEntries(
    Object.entries(message.headers)
      .filter(([name]) => passes(name.toLowerCase()))
      .flatMap(intact),
  )
}

/** A header in one line; nothing of one with a line end or another control character: more could be read out of it. */
function intact([name, value]: readonly [string, string]): (readonly [string, string])[] {
  const line = value.replace(/\r\n[ \t]+/g, ' ')
  return TOKEN.test(name) && !CONTROLS.test(line) ? [[name, line]] : []
}

const TOKEN = /^[\w.!%*+`'~-]+$/
const CONTROLS = /[^\P{Cc}\t]/u

/** Words of a phone that go into a line of ours. */
export function inOneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ')
}

/** A body goes with its type. */
export function bodyType(message: SipMessage): Headers {
  const type = message.get('content-type')
  return message.body && type !== undefined ? { 'Content-Type': inOneLine(type) } : {}
}

export function supports(message: SipMessage, extension: string): boolean {
  return ['supported', 'require'].some((name) => tokens(message.get(name)).includes(extension))
}

export function requires(message: SipMessage, extension: string): boolean {
  return tokens(message.get('require')).includes(extension)
}

/** What the message says it supports or requires, as far as it works across us. */
export function passingExtensions(message: SipMessage, name: 'supported' | 'require'): readonly string[] {
  return tokens(message.get(name)).filter((token) => PASSING_EXTENSIONS.has(token))
}

/** What a refusal says of extensions (RFC 3261: 420; RFC 3262: 421), as both sides must agree on them. */
export function refusedExtensions(message: SipMessage): Headers {
  const said = ['Unsupported', 'Require'].map((name) => [name, message.get(name.toLowerCase())] as const)
  return Object.fromEntries(said.filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function tokens(list: string | undefined): readonly string[] {
  return (list ?? '').split(',').map((token) => token.trim().toLowerCase())
}

/** RFC 3326. */
export function reasonHeader(status: number, text: string): string {
  return `SIP;cause=${status};text="${text.replace(/[^A-Za-z0-9_ .-]/g, ' ').slice(0, 80)}"`
}

const MOST_REASON = 500

/** The Reason of one side's CANCEL or BYE, for the other. */
export function reasonOf(message: SipMessage | undefined): Headers {
  const reason = message?.get('reason')
  return reason === undefined || reason.length > MOST_REASON ? {} : { Reason: inOneLine(reason) }
}
