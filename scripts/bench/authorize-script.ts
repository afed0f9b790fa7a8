/** The authorize script with the keys and words that the daemon sends it, for other legs than the one it was sent for. */
import { LONDON } from '../../test/app/bench.ts'
import type { AuthorizeRequest } from '../../src/calls/requests.ts'
import { type BenchDesk, openDesk, type Sent } from './desk.ts'

const LEG_KEY_LENGTH = 14

export function authorizeRequest(account: string, callId: string): AuthorizeRequest {
  const leg = { node: 'edge-1', callId: `${callId}@10.0.0.1`, legId: 'as7d8f6' }
  return { leg, account, direction: 'outbound', from: '+12125550100', to: LONDON, media: 'voice' }
}

/** What is sent for a call of the account that is let in, once the daemon knows the account. */
export async function sampleOf(url: string, account: string): Promise<Sent> {
  const desk = await openDesk(url, { hears: true })
  try {
    await authorize(desk, account, 'sample-1')
    desk.sent.length = 0
    await authorize(desk, account, 'sample-2')
    const [sent, ...more] = desk.sent
    if (!sent || more.length > 0 || sent.name !== 'reserve') throw new Error('an authorize is one script')
    return sent
  } finally {
    await desk.close()
  }
}

async function authorize({ desk }: BenchDesk, account: string, callId: string): Promise<void> {
  const answer = await desk.authorize(authorizeRequest(account, callId))
  if (answer.kind !== 'allowed') throw new Error(`the sample was not let in: ${answer.kind}`)
}

/** The same for a leg of this name; the record's text names the old one, which costs the same. */
export function newLeg({ name, keys, args }: Sent, leg: string): Sent {
  const before = String(args[5])
  const now = leg.padStart(LEG_KEY_LENGTH, 'L')
  return {
    name,
    keys: keys.map((key) => key.replace(before, now)),
    args: args.map((word, at) => (at === 5 ? now : word)),
  }
}
