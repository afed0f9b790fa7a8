/** The rules of trunks.yaml, by which an edge's call is traced to the account that pays. */
import { z } from 'zod'
import { parseNetwork } from '../trunks/network.ts'
import { beginning, direction, label, name } from './fields.ts'

const MAX_ENTRIES = 10_000

function network() {
  return z.string().superRefine((text, context) => {
    const parsed = parseNetwork(text)
    if (typeof parsed === 'string')
      context.addIssue({ code: 'custom', message: `${parsed}, not "${text.slice(0, 64)}"` })
  })
}

const trunkRuleSchema = z.strictObject({
  name: name().describe('Name of the trunk; several rules may share one.'),
  account: name().describe('Who pays.'),
  direction: direction()
    .optional()
    .describe('Only calls of this direction; a call that does not say its own takes it.'),
  group: name().optional().describe('Trunk group of the settings (`sip.groups`) that says where its SIP calls go.'),
  sources: z
    .array(network())
    .min(1)
    .max(MAX_ENTRIES)
    .optional()
    .describe('IP addresses and networks that the call may come from.'),
  from: z.array(beginning()).min(1).max(MAX_ENTRIES).optional().describe('Beginnings of the calling number.'),
  to: z
    .array(beginning())
    .min(1)
    .max(MAX_ENTRIES)
    .optional()
    .describe('Beginnings of the called number; a whole number of ours for inbound calls.'),
  digest: z
    .strictObject({
      user: label(64)
        .regex(/^[^"\\\s:]+$/, 'must have no quotes, colons or blanks')
        .describe('Name of the user.'),
      password: z.string().min(8, 'must have at least 8 characters').max(128).meta({
        secret: true,
        description: 'Password of the user.',
      }),
    })
    .optional()
    .describe('What callers must prove by digest authentication where the SIP edge takes their calls.'),
})

export const trunksFileSchema = z.strictObject({
  trunks: z
    .array(trunkRuleSchema)
    .max(MAX_ENTRIES)
    .default([])
    .describe(
      'Rules in the order they are asked; the first whose conditions all fit decides. A rule without sources, from, to ' +
        'and digest is only for calls that name the trunk.',
    ),
})
