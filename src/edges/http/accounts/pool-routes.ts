/** Pools of minutes. */
import { z } from 'zod'
import { mustReach } from '../access.ts'
import { keyOf } from '../auth.ts'
import { id } from '../fields.ts'
import { idempotencyKeyIn, optionalKeyHeader } from '../idempotency.ts'
import { json, operation } from '../operation.ts'
import type { HttpParts } from '../parts.ts'
import type { HttpServer } from '../server-type.ts'
import { poolBody, poolInput, poolPatch, poolPatchBody } from './account-bodies.ts'
import { poolJson, poolSchema } from './account-json.ts'
import { accountParams } from './account-routes.ts'
import { accepted } from './refusals.ts'

const poolParams = z.object({ account: id(), pool: id() })

export function addPoolRoutes(server: HttpServer, { office }: HttpParts): void {
  const add = operation(
    {
      id: 'addPool',
      summary: 'Gives an account a pool of minutes.',
      description: 'With an Idempotency-Key a repeat is answered with the pool as it was made.',
      tag: 'Accounts',
      needs: 'accounts:write',
      answers: { 200: json(poolSchema, 'Made before.'), 201: json(poolSchema, 'Made.') },
      problems: [404, 409, 422],
    },
    { params: accountParams, body: poolBody, headers: optionalKeyHeader },
  )
  server.post('/v1/accounts/:account/pools', add, async (request, reply) => {
    const { account } = request.params
    await mustReach(office, keyOf(request), account)
    const operationId = idempotencyKeyIn(request.headers)
    const saved = accepted(await office.addPool(account, poolInput(request.body), operationId))
    if (!saved.created) reply.header('idempotent-replayed', 'true')
    return reply.code(saved.created ? 201 : 200).send(poolJson(saved.pool))
  })

  const patch = operation(
    {
      id: 'patchPool',
      summary: 'Changes a pool of minutes.',
      description:
        'What is absent stays; null clears expiresAt or scope. Other seconds count in this cycle: with fewer than are used, nothing remains of it.',
      tag: 'Accounts',
      needs: 'accounts:write',
      answers: { 200: json(poolSchema, 'The pool.') },
      problems: [404, 409, 422],
    },
    { params: poolParams, body: poolPatchBody },
  )
  server.patch('/v1/accounts/:account/pools/:pool', patch, async (request) => {
    const { account, pool } = request.params
    await mustReach(office, keyOf(request), account)
    return poolJson(accepted(await office.patchPool(account, pool, poolPatch(request.body))).pool)
  })
}
