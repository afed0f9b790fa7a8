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
  return (request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void => {
    const { needs } = request.routeOptions.config
    if (needs === undefined || needs === 'no key') {
      done()
      return
    }
    try {
      const found = verified(keys, request.headers.authorization)
      if (found instanceof Promise) {
        found.then((key) => admit(request, key)).then(() => done(), done)
        return
      }
      admit(request, found)
    } catch (error) {
      done(error as Error)
      return
    }
    done()
  }
}

/** Throws HttpProblem unless the key may do what the route needs. */
function admit(request: FastifyRequest, key: KeyIdentity | undefined): void {
  const { needs, wholeInstallation } = request.routeOptions.config
  if (!key)
    throw new HttpProblem('key_unknown', 'the key is not known, has expired or was revoked', challenge('invalid_token'))
  if (needs !== undefined && needs !== 'any key' && needs !== 'no key' && !hasScope(key, needs))
    throw scopeMissing(needs)
  if (wholeInstallation && key.account !== undefined) throw keyRestricted()
  request.key = key
}

export function keyOf(request: FastifyRequest): KeyIdentity {
  if (!request.key) throw new HttpProblem('key_missing', 'this needs an API key', challenge())
  return request.key
}

export function keyRestricted(): HttpProblem {
  return new HttpProblem('key_restricted', 'this is not for keys of one account')
}

/** Throws HttpProblem where there is no key. */
export function verified(keys: KeyPort, header: string | undefined): ReturnType<KeyPort['verify']> {
  if (header === undefined)
    throw new HttpProblem('key_missing', 'send Authorization: Bearer tg_<id>_<secret>', challenge())
  const text = BEARER.exec(header)?.[1]
  return text === undefined ? undefined : keys.verify(text)
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
