/** Every setting, its default and what it means. docs/config.md and config/schema/tollgate.json are made from this. */
import { z } from 'zod'
import { refusalCodes } from '../base/outcome.ts'
import {
  amount,
  currency,
  type DeepReadonly,
  direction,
  label,
  name,
  onEngineError,
  onExhausted,
  seconds,
  timezone,
  unique,
  wholeNumber,
} from './fields.ts'
import { callControl, edge } from './edge-schema.ts'
import { events, webhooks } from './event-schema.ts'
import { mail, notices } from './notice-schema.ts'
import { payments } from './payment-schema.ts'
import { sip } from './sip-schema.ts'

const DAY_SECONDS = 86_400

const http = z
  .strictObject({
    host: label().default('127.0.0.1').describe('Address to listen on; 0.0.0.0 is every IPv4 address.'),
    port: z.int().min(0).max(65_535).default(8484).describe('Port to listen on; 0 is any free one.'),
    jobsBoard: z
      .boolean()
      .default(false)
      .describe('Show the queues of jobs at /jobs (Bull Board), to look at; the password is a key with `ops:read`.'),
  })
  .prefault({})
  .meta({ restart: true, description: 'The HTTP API.' })

function redisUrl() {
  return z
    .string()
    .regex(/^rediss?:\/\/\S+$/, 'must be a URL such as redis://10.0.0.5:6379')
    .meta({ secret: true })
}

const redis = z
  .strictObject({
    urls: z
      .array(redisUrl())
      .max(64)
      .default([])
      .describe('Where Redis is; none is the embedded server, more than one is a cluster.'),
    server: label(4096).optional().describe('Path of the redis-server that the daemon starts; else the one on PATH.'),
    commandTimeoutMs: z.int().min(50).max(60_000).default(1000).describe('How long a command may take.'),
    maxInFlight: z.int().min(128).max(65_536).default(512).describe('Commands under way at once; more are refused.'),
    appendFsync: z
      .enum(['everysec', 'always'])
      .default('everysec')
      .describe('When the embedded server writes to disk: each second, or before each answer.'),
  })
  .prefault({})
  .meta({ restart: true, description: 'The store of accounts, balances and calls.' })

const calls = z
  .strictObject({
    sliceSeconds: seconds(1, 3600).default(60).describe('What one grant holds.'),
    extendAheadSeconds: seconds(1, 600)
      .default(10)
      .describe('How long before its end a slice is extended; `warnSeconds` before, where that is longer.'),
    setupSeconds: seconds(10, 3600)
      .default(180)
      .describe('How long a call that is not answered keeps its reservation.'),
    guardMs: z.int().min(0).max(10_000).default(500).describe('How long before the money ends a call is ended.'),
    warnSeconds: seconds(0, 3600)
      .default(0)
      .describe('How long before the money ends the edge is asked to warn the parties; 0 is not at all.'),
    aliveWithinSeconds: seconds(30, 3600)
      .default(120)
      .describe('A call without evidence of life for longer is not extended.'),
    maxCallSeconds: seconds(60, DAY_SECONDS).default(14_400).describe('No call lasts longer.'),
    unattendedSeconds: seconds(10, DAY_SECONDS)
      .default(600)
      .describe('How long a call may last when no daemon can reach it: the timer of the edge.'),
    failedMemorySeconds: seconds(1, 3600).default(300).describe('How long a failed attempt is remembered.'),
    rememberDays: z
      .int()
      .min(1)
      .max(35)
      .default(7)
      .describe('How long an ended call is remembered for repeated events.'),
    endRetrySeconds: seconds(1, 60)
      .default(3)
      .describe('How long after asking an edge to end a call it is asked again.'),
    shortenWithinSeconds: seconds(0, 600)
      .default(10)
      .describe('How long after a stop an earlier end from the same edge instance still counts.'),
    tickMs: z.int().min(10).max(1000).default(100).describe('How often the clock looks for calls that are due.'),
  })
  .prefault({})
  .describe('The way of a call. Changes hold for decisions made after a reload.')
  .superRefine((set, context) => {
    if (set.extendAheadSeconds >= set.sliceSeconds) {
      const message = 'must be less than sliceSeconds'
      context.addIssue({ code: 'custom', path: ['extendAheadSeconds'], message })
    }
  })

const emergency = z
  .strictObject({
    numbers: unique(z.array(wholeNumber()).max(1000))
      .default(['112', '911'])
      .describe('Whole numbers, never prefixes: always connected, never charged, never counted.'),
  })
  .prefault({})
  .describe('Emergency calls.')

const defaults = z
  .strictObject({
    tariff: name().optional().describe('Tariff of accounts that name none.'),
    currency: currency().default('USD').describe('Currency of accounts that name none and have no parent.'),
    timezone: timezone().default('UTC').describe('Time zone of accounts that name none and have no parent.'),
    onEngineError: onEngineError().default('deny').describe('What happens to calls while the store cannot answer.'),
    engineErrorSeconds: seconds(1, 3600).default(60).describe('With allowCapped: how long such a call may last.'),
    engineErrorCalls: z
      .int()
      .min(1)
      .max(1000)
      .default(5)
      .describe('With allowCapped: such calls at once, each account.'),
    pool: z
      .strictObject({
        freeSeconds: seconds(0, 3600).default(30).describe('A call no longer than this takes no minutes.'),
        increment: seconds(1, 3600).default(60).describe('Seconds are taken in steps of this.'),
        onExhausted: onExhausted()
          .default('finish_call')
          .describe('When a pool runs out the call goes on unpaid, is cut, or credit pays.'),
        directions: unique(z.array(direction()).min(1)).default(['outbound']).describe('Calls that a pool pays for.'),
      })
      .prefault({})
      .describe('Pools that do not say otherwise.'),
    minimumPurchase: amount().default('5.00').describe('The least credit that can be bought at once.'),
  })
  .prefault({})
  .describe('What accounts have that do not say otherwise.')

const sipReply = z.strictObject({
  status: z.int().min(400).max(699).describe('SIP status.'),
  reason: label(64)
    .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII')
    .describe('Reason phrase.'),
})

const archive = z
  .strictObject({
    hotDays: z
      .int()
      .min(8)
      .max(3650)
      .default(35)
      .describe(
        'For how many days journal entries and CDRs stay in Redis; older ones are in the archive only, and never leave before they are there.',
      ),
  })
  .prefault({})
  .describe('What is kept for ever, in PostgreSQL.')

const exports = z
  .strictObject({
    folder: label(4096).optional().meta({
      restart: true,
      description: 'Where files are; none is `exports` in dataDir. Daemons on several machines share one folder.',
    }),
    keptHours: z.int().min(1).max(720).default(24).describe('How long a finished file can be fetched.'),
    perAccount: z.int().min(1).max(100).default(20).describe('Exports of one account at once.'),
  })
  .prefault({})
  .describe('Tables that are made in the background.')

const log = z
  .strictObject({
    level: z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
      .default('info')
      .describe('The least important line that is written.'),
    decisions: z.boolean().default(true).describe('Write one line for each decision.'),
  })
  .prefault({})
  .describe('The log.')

/** What tollgate.yaml may hold. */
export const settingsFileSchema = z.strictObject({
  dataDir: label(4096)
    .default('./data')
    .meta({ restart: true, description: 'Folder of all that the daemon keeps on disk.' }),
  databaseUrl: z
    .string()
    .regex(/^postgres(ql)?:\/\/\S+$/, 'must be a URL such as postgres://user@10.0.0.6/tollgate')
    .optional()
    .meta({ restart: true, secret: true, description: 'PostgreSQL archive; none is the embedded one.' }),
  apiKey: z
    .string()
    .regex(/^tg_[A-Za-z0-9]+_[^\s_]\S*$/, 'must have the form tg_<id>_<secret>')
    .optional()
    .meta({
      restart: true,
      secret: true,
      description: 'Bootstrap key with every scope; none writes one to the data folder.',
    }),
  http,
  redis,
  partitions: z
    .int()
    .min(1)
    .max(1024)
    .default(64)
    .meta({ restart: true, description: 'Parts that account trees are spread over. Used at installation only.' }),
  roles: unique(z.array(z.enum(['decide', 'clock', 'jobs', 'archive'])).min(1))
    .default(['decide', 'clock', 'jobs', 'archive'])
    .meta({
      restart: true,
      description:
        'What this process does: answer requests, extend and end calls, do what events ask for, archive what the store tells.',
    }),
  calls,
  emergency,
  defaults,
  sipReplies: z
    .partialRecord(z.enum(refusalCodes), sipReply)
    .default({})
    .describe('SIP status and reason of a refusal code, where not the usual one.'),
  edges: z.record(name(), edge).default({}).describe('Edges by node name, and how each is called back.'),
  callControl,
  payments,
  sip,
  archive,
  exports,
  events,
  webhooks,
  mail,
  notices,
  log,
})

/** Settings with the folder they came from. */
export const settingsSchema = settingsFileSchema.extend({
  configDir: z.string().meta({ restart: true, description: 'Folder of the configuration.' }),
})

export type Settings = DeepReadonly<z.infer<typeof settingsSchema>>
