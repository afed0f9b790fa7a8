/** What the library keeps of calls that nothing more will be heard of: nothing. */
import { describe, expect, it } from 'vitest'
import {
  type DrachtioClient,
  forgetInvite,
  newClient,
  type SipDialog,
  type SipRequest,
  type SipResponse,
} from '../../../src/edges/sip/drachtio.ts'
import type { AtEnd } from '../../app/bench.ts'
import { openServer } from '../../support/drachtio/drachtio-server.ts'
import { RawPhone } from '../../support/drachtio/raw-phone.ts'
import { ANSWER } from './phones.ts'
import { until } from './process.ts'

describe('the library', () => {
  it('keeps no INVITE that will not be answered', async ({ onTestFinished }) => {
    const { client, request } = await invited(onTestFinished)
    expect(pendingInvites(client)).toBe(1)
    forgetInvite(request)
    expect(pendingInvites(client)).toBe(0)
  })

  it('keeps no dialog that is let go of', async ({ onTestFinished }) => {
    const { client, request, response } = await invited(onTestFinished)
    const dialog: SipDialog = await client.createUAS(request, response, { headers: {}, localSdp: ANSWER })
    expect(insides(client)._dialogs.size).toBe(1)
    client.removeDialog(dialog)
    expect(insides(client)._dialogs.size).toBe(0)
  })
})

interface Invited {
  readonly client: DrachtioClient
  readonly request: SipRequest
  readonly response: SipResponse
}

/** A client that was sent an INVITE. */
async function invited(atEnd: AtEnd): Promise<Invited> {
  const server = await openServer()
  atEnd(() => server.close())
  const client = newClient()
  const invite = new Promise<Invited>((resolve) => {
    client.invite((request, response) => resolve({ client, request, response }))
  })
  client.on('error', () => undefined)
  client.connect({ host: '127.0.0.1', port: server.adminPort, secret: server.secret, reconnect: {}, enablePing: false })
  await until('it is connected', () => server.takers('invite') === 1)
  const phone = await RawPhone.open(server.sipPort)
  phone.say(phone.request('INVITE'))
  atEnd(() => Promise.resolve(phone.close()))
  atEnd(() => Promise.resolve(client.disconnect()))
  return await invite
}

interface Insides {
  readonly _dialogs: ReadonlyMap<string, unknown>
  readonly app: { readonly client: { readonly mapServer: ReadonlyMap<unknown, Connection> } }
}

interface Connection {
  readonly pendingNetworkInvites: ReadonlyMap<string, unknown>
}

function insides(client: DrachtioClient): Insides {
  return client as unknown as Insides
}

function pendingInvites(client: DrachtioClient): number {
  const connections = [...insides(client).app.client.mapServer.values()]
  return connections.reduce((sum, { pendingNetworkInvites }) => sum + pendingNetworkInvites.size, 0)
}
