/** The settings of edges that ask over HTTP or the call_control socket, and of how they are called back. */
import { z } from 'zod'
import { httpUrl, label, name, seconds } from './fields.ts'

const listSeconds = seconds(5, 600).default(30).describe('How often the edge is asked for the calls it has.')
const canRaise = z.boolean().default(false).describe('The daemon can raise the timer of a call at this edge.')
const mode = z
  .enum(['clock', 'edge', 'whole'])
  .optional()
  .describe('Who extends calls when the edge does not say: the daemon, the edge, or nobody as all is reserved at once.')

export const edge = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('kamailio').describe('Kamailio with JSON-RPC.'),
    mode,
    rpcUrl: httpUrl().describe('Where its JSON-RPC is.'),
    listSeconds,
    canRaise,
  }),
  z.strictObject({
    kind: z.literal('webhook').describe('An edge that takes signed requests.'),
    mode,
    url: httpUrl().describe('Where requests to list, raise, warn and end calls are sent.'),
    secret: z
      .string()
      .min(16, 'must have at least 16 characters')
      .meta({ secret: true, description: 'Signs the requests.' }),
    listSeconds,
    canRaise,
  }),
  z.strictObject({
    kind: z.literal('none').describe('An edge that cannot be called back.'),
    mode: z.enum(['edge', 'whole']).optional().describe('Who extends calls: the edge, or nobody. The clock cannot.'),
  }),
])

export const callControl = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Listen for the call_control module of Kamailio and OpenSIPS.'),
    socket: label(100).default('call-control.sock').describe('Path of the socket, from the data folder.'),
    node: name().default('default').describe('Name of the edge whose calls come by this socket.'),
    account: name().optional().describe('Who pays when trunks.yaml identifies nobody; else such calls are refused.'),
  })
  .prefault({})
  .meta({ restart: true, description: 'The call_control socket.' })
