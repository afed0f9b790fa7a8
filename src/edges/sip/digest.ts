/**
 * Digest authentication of callers (RFC 3261 §22, RFC 7616, RFC 8760).
 *
 * A nonce is of one Call-ID and tag, signed, and good for a minute: what was overheard opens no other call. Any worker knows
 * the nonces of all, as they share the key that signs them.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { parseUri, type Headers, type SipRequest } from './drachtio.ts'
import type { Credential, DigestSettings } from './parts.ts'

const NONCE_MS = 60_000
/** Nobody has longer ones; they are not looked into. */
const MAX_HEADER = 4_000
const PARAMETER = /([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi

/** What an Authorization header says. */
export type Claim = Readonly<Record<string, string>>

/** `stale` may be right, but its nonce is too old or of another call. */
export type Proof = 'proven' | 'stale' | 'wrong'

/** Undefined where the caller claims to be nobody. */
export function claimOf(request: SipRequest): Claim | undefined {
  const text = request.get('authorization') ?? request.get('proxy-authorization')
  if (text === undefined || text.length > MAX_HEADER || !/^digest\s/i.test(text)) return undefined
  const parameters = [...text.matchAll(PARAMETER)].map(([, key = '', quoted, token = '']) => [
    key.toLowerCase(),
    quoted?.replaceAll(/\\(.)/g, '$1') ?? token,
  ])
  return Object.fromEntries(parameters) as Claim
}

export class Digest {
  readonly #settings: DigestSettings
  readonly #nowMs: () => number

  constructor(settings: DigestSettings, nowMs: () => number) {
    this.#settings = settings
    this.#nowMs = nowMs
  }

  /** Of a 401. */
  challenge(request: SipRequest, { stale }: { readonly stale: boolean }): Headers {
    const { realm, algorithm } = this.#settings
    const nonce = this.#nonce(request, `${this.#nowMs().toString(36)}-${randomBytes(9).toString('base64url')}`)
    const parts = [`realm="${realm}"`, `nonce="${nonce}"`, `algorithm=${algorithm}`, 'qop="auth"']
    return { 'WWW-Authenticate': `Digest ${[...parts, ...(stale ? ['stale=true'] : [])].join(', ')}` }
  }

  proofOf(request: SipRequest, claim: Claim, credential: Credential): Proof {
    if (!this.#isRight(request, claim, credential)) return 'wrong'
    return this.#isFresh(request, claim['nonce'] ?? '') ? 'proven' : 'stale'
  }

  /** The answer covers who is called, so that it cannot be used to call somebody else. */
  #isRight(request: SipRequest, claim: Claim, { user, password }: Credential): boolean {
    const { realm, algorithm } = this.#settings
    const { uri = '', nonce = '', qop, response = '' } = claim
    if (claim['username'] !== user || claim['realm'] !== realm) return false
    if (!isCalled(request, uri)) return false
    const hash = (text: string): string => createHash(HASHES[algorithm]).update(text).digest('hex')
    // Phones of RFC 2069 know no qop.
    const opening = qop === undefined ? nonce : [nonce, claim['nc'], claim['cnonce'], qop].join(':')
    const right = hash([hash(`${user}:${realm}:${password}`), opening, hash(`${request.method}:${uri}`)].join(':'))
    return isSame(right, response.toLowerCase())
  }

  #isFresh(request: SipRequest, nonce: string): boolean {
    const [stamp = ''] = nonce.split('.')
    // Up to the dash that ends it; there may be others in what is random.
    const madeAtMs = Number.parseInt(stamp, 36)
    return Math.abs(this.#nowMs() - madeAtMs) <= NONCE_MS && isSame(this.#nonce(request, stamp), nonce)
  }

  #nonce(request: SipRequest, stamp: string): string {
    const dialog = [request.get('call-id'), /;tag=([^;]+)/.exec(request.get('from') ?? '')?.[1]]
    const sign = createHmac('sha256', this.#settings.nonceKey).update([stamp, ...dialog].join('\n'))
    return `${stamp}.${sign.digest('base64url')}`
  }
}

const HASHES = { MD5: 'md5', 'SHA-256': 'sha256' } as const

/** Some name only the server in their answer. */
function isCalled(request: SipRequest, uri: string): boolean {
  const user = parseUri(uri)?.user
  return !user || user === parseUri(request.uri)?.user
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => Buffer.from(text))
  return a !== undefined && b !== undefined && a.length === b.length && timingSafeEqual(a, b)
}
