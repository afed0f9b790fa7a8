/** Nonces are told from others by what they say of themselves, whatever is random in them. */
import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { claimOf, Digest } from '../../../src/edges/sip/digest.ts'
import type { SipRequest } from '../../../src/edges/sip/drachtio.ts'

const CREDENTIAL = { user: 'acme', password: 'correct-horse' }
const URI = 'sip:+442079460999@127.0.0.1'
const NONCES = 200

it('who answers a nonce is let in, whatever the nonce', () => {
  const nowMs = 1_795_894_052_055
  const digest = new Digest({ realm: 'tollgate', algorithm: 'MD5', nonceKey: 'key' }, () => nowMs)
  const proofs = Array.from({ length: NONCES }, () => {
    const challenge = digest.challenge(invite(), { stale: false })['WWW-Authenticate'] ?? ''
    const answering = invite(answerTo(/nonce="([^"]+)"/.exec(challenge)?.[1] ?? ''))
    return digest.proofOf(answering, claimOf(answering) ?? {}, CREDENTIAL)
  })
  expect(new Set(proofs)).toEqual(new Set(['proven']))
})

function invite(authorization?: string): SipRequest {
  const headers: Record<string, string | undefined> = { 'call-id': 'one', from: '<sip:a@b>;tag=1', authorization }
  return { method: 'INVITE', uri: URI, get: (name: string) => headers[name] } as unknown as SipRequest
}

/** As phones of RFC 2069 do, without qop. */
function answerTo(nonce: string): string {
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
  const { user, password } = CREDENTIAL
  const response = md5(`${md5(`${user}:tollgate:${password}`)}:${nonce}:${md5(`INVITE:${URI}`)}`)
  return `Digest username="${user}", realm="tollgate", nonce="${nonce}", uri="${URI}", response="${response}"`
}
