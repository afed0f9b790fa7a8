/** Settings that are allowed and unsafe: worth a warning at every start. */
import { contains, type Network, parseAddress, parseNetwork } from '../trunks/network.ts'
import { problemAt } from './check.ts'
import type { ConfigProblem } from './problems.ts'
import type { Settings } from './settings-schema.ts'
import type { Places } from './yaml-file.ts'

const SAFE_SECRET_LENGTH = 16
const KNOWN_SECRET = 'cymru'

const LOOPBACK = networks(['127.0.0.0/8', '::1'])
const PRIVATE = networks(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', 'fc00::/7', 'fe80::/10'])

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
    const address = host === 'localhost' ? parseAddress('127.0.0.1') : parseAddress(host)
    const path = ['sip', 'servers', at]
    const found: ConfigProblem[] = []
    // Of a name it is not known here where it leads.
    if (address !== undefined && ![...LOOPBACK, ...PRIVATE].some((network) => contains(network, address))) {
      const message = 'is a public address: the admin side of drachtio-server belongs on loopback or a private network'
      found.push(problemAt(places.ofValue([...path, 'host']), [...path, 'host'], message))
    }
    const isLocal = address !== undefined && LOOPBACK.some((network) => contains(network, address))
    if (secret === KNOWN_SECRET && !isLocal) {
      const message = 'is the secret that every drachtio-server is delivered with: give it one of its own'
      found.push(problemAt(places.ofValue([...path, 'secret']), [...path, 'secret'], message))
    }
    return found
  })
}

function networks(texts: readonly string[]): readonly Network[] {
  return texts.map(parseNetwork).filter((network) => typeof network !== 'string')
}
