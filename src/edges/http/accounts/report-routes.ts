/** What happened to an account: journal entries and ended calls. */
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { AccountProfile } from '../../../accounts/account.ts'
import { REPORT_CURSOR, type Page, type PageRequest } from '../../../accounts/office.ts'
import { profileFor } from '../access.ts'
import { keyOf } from '../auth.ts'
import { page } from '../fields.ts'
import { json, operation } from '../operation.ts'
import { pageOf, pageSchema } from '../paging.ts'
import type { HttpParts } from '../parts.ts'
import { range, rangeIn, type RangeTexts } from '../range.ts'
import type { HttpServer } from '../server-type.ts'
import { transactionJson, transactionSchema } from './account-json.ts'
import { accountParams } from './account-routes.ts'

const transactionsQuery = z.strictObject({ ...range, ...page(REPORT_CURSOR) })
const cdrsQuery = z.strictObject({ ...range, ...page(REPORT_CURSOR) })

export const cdrSchema = z.looseObject({ call: z.string(), account: z.string() }).meta({ id: 'Cdr' })

export function addReportRoutes(server: HttpServer, { office, usage }: HttpParts): void {
  const words = { tag: 'Reports', needs: 'usage:read', problems: [404] } as const

  const transactions = operation(
    {
      id: 'listTransactions',
      summary: 'Journal entries of an account: what, why, amount, balance after.',
      answers: { 200: json(pageSchema(transactionSchema), 'A page of entries.') },
      ...words,
    },
    { params: accountParams, querystring: transactionsQuery },
  )
  server.get('/v1/accounts/:account/transactions', transactions, async (request) => {
    const { account } = request.params
    const profile = await profileFor(office, keyOf(request), account)
    const found = await usage.transactions(account, pageRequest(request.query, profile))
    return pageOf(found, (transaction) => transactionJson(transaction, profile.currency))
  })

  const cdrs = operation(
    {
      id: 'listCdrs',
      summary: 'Ended calls of an account, each as it was last corrected.',
      answers: { 200: json(pageSchema(cdrSchema), 'A page of CDRs.') },
      ...words,
    },
    { params: accountParams, querystring: cdrsQuery },
  )
  server.get('/v1/accounts/:account/cdrs', cdrs, async (request, reply) => {
    const { account } = request.params
    const profile = await profileFor(office, keyOf(request), account)
    return sendTexts(reply, await usage.cdrs(account, pageRequest(request.query, profile)))
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
