/** The drachtio-servers that the SIP edge works for. */
import type { Settings } from '../../catalog/settings.ts'
import { probeServer } from '../../edges/sip/probe.ts'
import { bad, type Check, doubtful, good } from './check.ts'

const PROBE_MS = 3_000

export async function examineSip({ sip }: Settings): Promise<readonly Check[]> {
  if (!sip.enabled) return []
  const servers = await Promise.all(sip.servers.map(examineServer))
  return Object.keys(sip.groups).length > 0
    ? servers
    : [
        ...servers,
        doubtful('sip groups', 'there is none, so every call that comes by SIP is refused for want of a route'),
      ]
}

async function examineServer(server: Settings['sip']['servers'][number]): Promise<Check> {
  const what = `drachtio ${server.host}:${server.port}`
  const probe = await probeServer(server, PROBE_MS)
  switch (probe) {
    case 'takes us':
      return good(what, 'it takes us as a worker')
    case 'refuses the secret':
      return bad(what, 'it refuses our secret: make sip.servers and its own configuration agree')
    case 'does not answer':
      return bad(what, 'it does not answer: see that it runs and that its admin port is reached from here')
  }
}
