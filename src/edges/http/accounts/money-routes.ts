/** Money in and out, by operators and billing jobs. */
import type { FastifyReply } from 'fastify'
import type { z } from 'zod'
import type { Posted } from '../../../accounts/office.ts'
import { mustReach } from '../access.ts'
import { keyOf } from '../auth.ts'
import { idempotencyKeyIn, keyHeader, needsIdempotencyKey } from '../idempotency.ts'
import { json, operation } from '../operation.ts'
import type { HttpParts } from '../parts.ts'
import type { HttpServer } from '../server-type.ts'
import { creditBody, debitBody } from './account-bodies.ts'
import { postedJson, postedSchema } from './account-json.ts'
import { accountParams } from './account-routes.ts'
import { accepted } from './refusals.ts'

export function addMoneyRoutes(server: HttpServer, { office }: HttpParts): void {
  const words = {
    tag: 'Money',
    needs: 'credit:write',
    answers: { 200: json(postedSchema, 'Posted; also of a repeat, with the header Idempotent-Replayed.') },
    problems: [404, 409, 422],
  } as const
  const options = { onRequest: needsIdempotencyKey }

  const credit = operation(
    { id: 'addCredit', summary: 'Adds money.', ...words },
    { params: accountParams, headers: keyHeader, body: creditBody },
  )
  server.post('/v1/accounts/:account/credits', { ...credit, ...options }, async (request, reply) => {
    const { account } = request.params
    await mustReach(office, keyOf(request), account)
    const operationId = idempotencyKeyIn(request.headers) ?? ''
    return answered(reply, accepted(await office.credit({ ...request.body, account, operation: operationId })))
  })

  const debit = operation(
    { id: 'addDebit', summary: 'Takes money: adjustments and fees.', ...words },
    { params: accountParams, headers: keyHeader, body: debitBody },
  )
  server.post('/v1/accounts/:account/debits', { ...debit, ...options }, async (request, reply) => {
    const { account } = request.params
    await mustReach(office, keyOf(request), account)
    const operationId = idempotencyKeyIn(request.headers) ?? ''
    return answered(reply, accepted(await office.debit({ ...request.body, account, operation: operationId })))
  })
}

function answered(reply: FastifyReply, posted: Posted): z.infer<typeof postedSchema> {
  if (posted.replayed) reply.header('idempotent-replayed', 'true')
  return postedJson(posted)
}
