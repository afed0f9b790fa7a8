/** What the commands read of the daemon's answers; all else of them is passed on as it is. */
import { z } from 'zod'

const text = z.string()
const whole = z.int()

export function pageOf<S extends z.ZodType>(item: S) {
  return z.looseObject({ items: z.array(item), nextCursor: text.optional() })
}

const channels = z.looseObject({ limit: whole, used: whole })

export const trunks = z.looseObject({ inbound: whole, outbound: whole, twoWay: whole })

export const account = z.looseObject({
  id: text,
  name: text,
  parent: text.optional(),
  status: text,
  currency: text,
  timezone: text,
  tariff: text.optional(),
  creditLimit: text,
  funding: z.array(text),
  cycleDay: whole,
  trunks,
  maxCalls: whole.optional(),
  onEngineError: text.optional(),
})

export const accountId = z.looseObject({ id: text })

export const balance = z.looseObject({
  currency: text,
  credit: text,
  reserved: text,
  available: text,
  creditLimit: text,
  pools: z.array(
    z.looseObject({
      id: text,
      name: text,
      total: whole,
      remaining: whole,
      reserved: whole,
      priority: whole,
      resetsAt: text.nullish(),
      expiresAt: text.nullish(),
    }),
  ),
  trunks: z.looseObject({ inbound: channels, outbound: channels, twoWay: channels }),
  calls: whole,
})

export const receipt = z.looseObject({
  receipt: text,
  payment: text,
  kind: text,
  amount: text,
  currency: text,
  card: text,
  buyer: text.optional(),
  paidAt: text,
})

export const resent = z.looseObject({ receipt: text, to: z.array(text) })

export const posted = z.looseObject({ entry: text, amount: text, balance: text, currency: text })

export const pool = z.looseObject({
  id: text,
  name: text,
  seconds: whole,
  priority: whole,
  resets: text,
  onExhausted: text,
  resetsAt: text.optional(),
  expiresAt: text.optional(),
})

export const quote = z.looseObject({
  price: text,
  currency: text,
  billedSeconds: whole,
  rate: z
    .looseObject({
      tariff: text,
      version: whole,
      prefix: text,
      destination: text,
      perMinute: text,
      connectFee: text,
      increments: text,
    })
    .optional(),
  maxSeconds: whole,
  funding: z.array(z.looseObject({ source: text, id: text.optional(), seconds: whole, amount: text })),
})

export const denied = z.looseObject({
  allow: z.literal(false),
  code: text,
  sipCode: whole,
  sipReason: text,
  detail: text,
})

export const allowed = z.looseObject({
  allow: z.literal(true),
  call: text,
  account: text,
  maxDurationSeconds: whole,
  reservedSeconds: whole,
  reserved: text,
  currency: text,
  fundedBy: text,
  final: z.boolean(),
})

export const call = z.looseObject({
  call: text,
  state: text,
  node: text,
  callId: text,
  account: text,
  direction: text,
  from: text,
  to: text,
  authorizedAt: text,
  answeredAt: text.optional(),
  endedAt: text.optional(),
  seconds: whole.optional(),
  billedSeconds: whole.optional(),
  charge: text.optional(),
  reserved: text.optional(),
  currency: text.optional(),
  fundedBy: text.optional(),
  grantedSeconds: whole,
  maxDurationSeconds: whole,
  cause: text.optional(),
})

export const callView = call.extend({
  history: z.array(z.looseObject({ at: text, what: text })),
  explanation: z.unknown(),
})

export const tariff = z.looseObject({ name: text, currency: text, versions: whole, active: whole.optional() })

const activation = z.looseObject({ version: whole, from: text })

export const tariffVersion = z.looseObject({
  version: whole,
  rates: whole,
  sha256: text,
  currency: text,
  createdAt: text,
  activations: z.array(activation),
})

export const addedVersion = z.looseObject({ name: text, version: whole, rates: whole, sha256: text })

export const activated = z.looseObject({ name: text, version: whole, from: text })

export const bookHead = z.object({
  name: text,
  version: whole,
  currency: text,
  timezone: text.optional(),
  effectiveFrom: text.optional(),
  rounding: z.object({ decimals: whole.optional(), mode: z.enum(['half_up', 'up', 'down']).optional() }).optional(),
})

export const usage = z.looseObject({
  by: text,
  from: text,
  to: text,
  timezone: text,
  items: z.array(
    z.looseObject({
      key: text,
      calls: whole,
      seconds: whole,
      billedSeconds: whole,
      poolSeconds: whole,
      charge: text,
      currency: text,
    }),
  ),
})

export const key = z.looseObject({
  id: text,
  scopes: z.array(text),
  name: text.optional(),
  account: text.optional(),
  createdAt: text,
  expiresAt: text.optional(),
  revokedAt: text.optional(),
})

export const madeKey = key.extend({ key: text })

export const audit = z.looseObject({ ok: z.boolean(), entries: whole, checkpointed: whole, problems: z.array(text) })

/** Of a call that has ended. */
export const cdr = z.looseObject({
  call: text,
  revision: whole,
  level: whole,
  account: text,
  payer: text,
  node: text,
  callId: text,
  legId: text,
  direction: text,
  media: text,
  from: text,
  to: text,
  user: text.optional(),
  startedAt: text,
  answeredAt: text.optional(),
  endedAt: text,
  seconds: whole,
  billedSeconds: whole,
  charge: text,
  currency: text,
  fundedBy: text,
  trunk: text.optional(),
  parts: z.array(z.looseObject({ source: text, seconds: whole })),
  overrunSeconds: whole,
  cause: text,
  flags: z.array(text),
  rate: z
    .looseObject({ tariff: text, version: whole, prefix: text, destination: text, perMinute: text, increments: text })
    .optional(),
})

export type CdrRow = z.output<typeof cdr>

export const exported = z.looseObject({
  id: text,
  state: z.enum(['queued', 'running', 'done', 'failed']),
  rows: whole,
  progress: whole,
  bytes: whole.optional(),
  href: text.optional(),
  reason: text.optional(),
})

export const rerated = z.looseObject({
  tariff: text,
  version: whole,
  currency: text,
  calls: whole,
  changed: whole,
  posted: whole,
  left: z.looseObject({ no_rate: whole, blocked: whole, unexplained: whole }),
  before: text,
  after: text,
  items: z.array(
    z.looseObject({ call: text, from: text, to: text, seconds: whole, before: text, after: text, posted: z.boolean() }),
  ),
  progress: whole.optional(),
  nextCursor: text.optional(),
})

export const anything = z.looseObject({})

export const archive = z.looseObject({
  kind: text,
  entries: whole,
  behind: whole,
  cdrs: whole,
  accounts: whole,
  lost: whole,
})
