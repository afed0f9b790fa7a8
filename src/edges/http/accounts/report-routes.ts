/** What happened to an account: journal entries, ended calls, summaries. */
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { AccountProfile } from '../../../accounts/account.ts'
import { HISTORY_CURSOR, type Page, type PageRequest } from '../../../accounts/office.ts'
import { formatAmount } from '../../../base/money.ts'
import { dayOf, instantOf, zonedTime } from '../../../base/time.ts'
import { profileFor } from '../access.ts'
import { keyOf } from '../auth.ts'
import { page } from '../fields.ts'
import { badField } from '../input.ts'
import { json, operation } from '../operation.ts'
import { pageOf, pageSchema } from '../paging.ts'
import type { UsageBy, UsageRow } from '../../../usage/summary.ts'
import type { HttpParts } from '../parts.ts'
import { range, rangeIn, type RangeTexts } from '../range.ts'
import type { HttpServer } from '../server-type.ts'
import { transactionJson, transactionSchema } from './account-json.ts'
import { accountParams } from './account-routes.ts'

const reportQuery = z.strictObject({ ...range, ...page(HISTORY_CURSOR) })

const usageQuery = z.strictObject({
  ...range,
  by: z.enum(['day', 'destination', 'user', 'trunk']).default('day'),
  includeDescendants: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true'),
})

const cdrSchema = z.looseObject({ call: z.string(), account: z.string() }).meta({ id: 'Cdr' })

const usageSchema = z.object({
  by: z.enum(['day', 'destination', 'user', 'trunk']),
  from: z.string().describe('First day, in the zone of the account.'),
  to: z.string().describe('Last day; included.'),
  timezone: z.string(),
  items: z.array(
    z.object({
      key: z.string().describe('The day, destination, user or trunk; "" is none.'),
      calls: z.int(),
      seconds: z.int(),
      billedSeconds: z.int(),
      poolSeconds: z.int().describe('Seconds paid by minutes.'),
      charge: z.string(),
      currency: z.string(),
    }),
  ),
})

export function addReportRoutes(server: HttpServer, parts: HttpParts): void {
  addLists(server, parts)
  addUsage(server, parts)
}

function addLists(server: HttpServer, { office }: HttpParts): void {
  const words = { tag: 'Reports', needs: 'usage:read', problems: [404] } as const
  const input = { params: accountParams, querystring: reportQuery }

  const transactions = operation(
    {
      id: 'listTransactions',
      summary: 'Journal entries of an account: what, why, amount, balance after.',
      answers: { 200: json(pageSchema(transactionSchema), 'A page of entries.') },
      ...words,
    },
    input,
  )
  server.get('/v1/accounts/:account/transactions', transactions, async (request) => {
    const { account } = request.params
    const profile = await profileFor(office, keyOf(request), account)
    const found = await office.transactions(account, pageRequest(request.query, profile))
    return pageOf(found, (transaction) => transactionJson(transaction, profile.currency))
  })

  const cdrs = operation(
    {
      id: 'listCdrs',
      summary: 'Ended calls of an account, each as it was last corrected.',
      answers: { 200: json(pageSchema(cdrSchema), 'A page of CDRs.') },
      ...words,
    },
    input,
  )
  server.get('/v1/accounts/:account/cdrs', cdrs, async (request, reply) => {
    const { account } = request.params
    const profile = await profileFor(office, keyOf(request), account)
    return sendTexts(reply, await office.cdrs(account, pageRequest(request.query, profile)))
  })
}

interface PageQuery extends RangeTexts {
  readonly cursor?: string
  readonly limit: number
}

function pageRequest({ from, to, ...rest }: PageQuery, { timezone }: AccountProfile): PageRequest {
  return {
    ...rest,
    ...rangeIn({ ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }, timezone),
  }
}

/** CDRs are JSON already. */
function sendTexts(reply: FastifyReply, { items, nextCursor }: Page<string>): FastifyReply {
  const cursor = nextCursor === undefined ? '' : `,"nextCursor":${JSON.stringify(nextCursor)}`
  const body = `{"items":[${items.join(',')}]${cursor}}`
  return reply.header('content-type', 'application/json; charset=utf-8').send(body)
}

function addUsage(server: HttpServer, { office, usage, clock }: HttpParts): void {
  const summary = operation(
    {
      id: 'showUsage',
      summary: 'Calls, seconds, minutes from pools and charges, summed up.',
      description: 'Without from and to: this month so far, in the time zone of the account.',
      tag: 'Reports',
      needs: 'usage:read',
      answers: { 200: json(usageSchema, 'The summary.') },
      problems: [404],
    },
    { params: accountParams, querystring: usageQuery },
  )
  server.get('/v1/accounts/:account/usage', summary, async (request) => {
    const { account } = request.params
    const { by, includeDescendants, ...texts } = request.query
    const { timezone } = await profileFor(office, keyOf(request), account)
    const period = { ...thisMonth(clock.nowMs(), timezone), ...rangeIn(texts, timezone) }
    if (period.fromMs >= period.untilMs) throw badField('/from', 'must not be after to', 'query')
    const rows = await usage.summary(account, { ...period, by, includeDescendants })
    return usageJson({ by, timezone, ...period }, rows)
  })
}

interface Period {
  readonly fromMs: number
  readonly untilMs: number
}

function thisMonth(nowMs: number, timezone: string): Period {
  const { year, month } = zonedTime(nowMs, timezone)
  return { fromMs: instantOf({ year, month, day: 1 }, timezone), untilMs: nowMs + 1 }
}

function usageJson(
  { by, timezone, fromMs, untilMs }: Period & { readonly by: UsageBy; readonly timezone: string },
  rows: readonly UsageRow[],
): z.infer<typeof usageSchema> {
  return {
    by,
    from: dayOf(fromMs, timezone),
    to: dayOf(untilMs - 1, timezone),
    timezone,
    items: rows.map(({ charge, ...row }) => ({ ...row, charge: formatAmount(charge) })),
  }
}
