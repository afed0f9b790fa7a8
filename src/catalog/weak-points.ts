/** Settings that are allowed and unsafe: worth a warning at every start. */
import ipaddr from 'ipaddr.js'
import { problemAt } from './check.ts'
import type { ConfigProblem } from './problems.ts'
import type { Settings } from './settings-schema.ts'
import type { Places } from './yaml-file.ts'

const SAFE_SECRET_LENGTH = 16
const KNOWN_SECRET = 'cymru'

/** Of addresses, by their registries. */
const OWN_RANGES = new Set(['loopback', 'private', 'linkLocal', 'uniqueLocal'])

export function weakPoints(settings: Settings, places: Places): readonly ConfigProblem[] {
  return [...weakKey(settings, places), ...weakServers(settings, places)]
}

function weakKey({ apiKey }: Settings, places: Places): readonly ConfigProblem[] {
  const secret = apiKey?.split('_').slice(2).join('_')
  if (secret === undefined || secret.length >= SAFE_SECRET_LENGTH) return []
  const message = `has a secret shorter than ${SAFE_SECRET_LENGTH} characters`
  return [problemAt(places.ofValue(['apiKey']), ['apiKey'], message)]
}

/** The admin side of drachtio-server speaks in clear and takes whoever knows one shared word. */
function weakServers({ sip }: Settings, places: Places): readonly ConfigProblem[] {
  if (!sip.enabled) return []
  return sip.servers.flatMap(({ host, secret }, at) => {
    const range = rangeOf(host)
    const path = ['sip', 'servers', at]
    const found: ConfigProblem[] = []
    // Of a name it is not known here where it leads.
    if (range !== undefined && !OWN_RANGES.has(range)) {
      const message = 'is a public address: the admin side of drachtio-server belongs on loopback or a private network'
      found.push(problemAt(places.ofValue([...path, 'host']), [...path, 'host'], message))
    }
    if (secret === KNOWN_SECRET && range !== 'loopback') {
      const message = 'is the secret that every drachtio-server is delivered with: give it one of its own'
      found.push(problemAt(places.ofValue([...path, 'secret']), [...path, 'secret'], message))
    }
    return found
  })
}

/** Undefined of a name. An IPv4 address inside an IPv6 one is what is reached. */
function rangeOf(host: string): string | undefined {
  if (host === 'localhost') return 'loopback'
  return ipaddr.isValid(host) ? ipaddr.process(host).range() : undefined
}
