/** Who is asking: the bearer key of a request and what it may do. */
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { hasScope, type KeyIdentity, type Scope } from '../../accounts/api-keys.ts'
import type { KeyPort } from './parts.ts'
import { HttpProblem } from './problem.ts'

/** What a route asks of the key: a scope, any key at all, or none. */
export type Needs = Scope | 'any key' | 'no key'

declare module 'fastify' {
  interface FastifyContextConfig {
    needs?: Needs
    /** The route is about more than one account: keys of one account may not. */
    wholeInstallation?: boolean
  }
  interface FastifyRequest {
    key: KeyIdentity | undefined
  }
}

const BEARER = /^[Bb][Ee][Aa][Rr][Ee][Rr] +(tg_[A-Za-z0-9]{1,64}_[\x21-\x7e]{1,256}) *$/

/** A route that does not say what it needs would be open to everybody. */
export function refuseOpenRoutes({ url, config }: RouteOptions): void {
  if (config?.needs === undefined) throw new TypeError(`the route ${url} does not say what key it needs`)
}

/** Runs before the body is read, so that strangers cannot make the daemon read much. */
export function authorization(keys: KeyPort) {
  return async (request: FastifyRequest, _reply: FastifyReply): Promise<void> => {
    const { needs, wholeInstallation } = request.routeOptions.config
    if (needs === undefined || needs === 'no key') return
    const key = await identify(keys, request.headers.authorization)
    if (needs !== 'any key' && !hasScope(key, needs)) throw scopeMissing(needs)
    if (wholeInstallation && key.account !== undefined) throw keyRestricted()
    request.key = key
  }
}

export function keyOf(request: FastifyRequest): KeyIdentity {
  if (!request.key) throw new HttpProblem('key_missing', 'this needs an API key', challenge())
  return request.key
}

export function keyRestricted(): HttpProblem {
  return new HttpProblem('key_restricted', 'this is not for keys of one account')
}

async function identify(keys: KeyPort, header: string | undefined): Promise<KeyIdentity> {
  if (header === undefined)
    throw new HttpProblem('key_missing', 'send Authorization: Bearer tg_<id>_<secret>', challenge())
  const text = BEARER.exec(header)?.[1]
  const key = text === undefined ? undefined : await keys.verify(text)
  if (!key)
    throw new HttpProblem('key_unknown', 'the key is not known, has expired or was revoked', challenge('invalid_token'))
  return key
}

function scopeMissing(scope: Scope): HttpProblem {
  const error = `error="insufficient_scope", scope="${scope}"`
  return new HttpProblem('scope_missing', `the key lacks the scope ${scope}`, {
    headers: { 'www-authenticate': `Bearer realm="tollgate", ${error}` },
    members: { scope },
  })
}

function challenge(error?: string): { readonly headers: Readonly<Record<string, string>> } {
  const suffix = error === undefined ? '' : `, error="${error}"`
  return { headers: { 'www-authenticate': `Bearer realm="tollgate"${suffix}` } }
}
