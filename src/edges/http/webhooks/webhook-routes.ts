/** Outgoing webhooks. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { WebhookDesk, WebhookRefused } from '../../../webhooks/desk.ts'
import type { WebhookEndpoint } from '../../../webhooks/endpoint.ts'
import { mayReach, mustReach } from '../access.ts'
import { keyOf } from '../auth.ts'
import { badField } from '../input.ts'
import { json, operation, type OperationText } from '../operation.ts'
import { pageOf, pageSchema } from '../paging.ts'
import type { HttpParts } from '../parts.ts'
import { HttpProblem } from '../problem.ts'
import type { HttpServer } from '../server-type.ts'
import * as bodies from './webhook-bodies.ts'

type Words = Pick<OperationText, 'id' | 'summary' | 'answers'> & Partial<OperationText>

const reading = (words: Words): OperationText => ({ tag: 'Webhooks', needs: 'webhooks:read', ...words })
const writing = (words: Words): OperationText => ({ tag: 'Webhooks', needs: 'webhooks:write', ...words })

export function addWebhookRoutes(server: HttpServer, parts: HttpParts): void {
  addListRoutes(server, parts)
  addEndpointRoutes(server, parts)
  addSecretRoutes(server, parts)
  addDeliveryRoutes(server, parts)
}

function addListRoutes(server: HttpServer, parts: HttpParts): void {
  const { webhooks, office, clock } = parts
  const add = operation(
    writing({
      id: 'addWebhook',
      summary: 'Has events sent to a URL.',
      answers: { 201: json(bodies.keyedSchema, 'Made.') },
      problems: [404, 409, 422],
    }),
    { body: bodies.webhookBody },
  )
  server.post('/v1/webhooks', add, async (request, reply) => {
    const key = keyOf(request)
    // A key of one account has its own events sent, unless it names an account below.
    const account = request.body.account ?? key.account
    if (account !== undefined) await mustReach(office, key, account)
    const made = accepted(await webhooks.add({ ...request.body, ...(account === undefined ? {} : { account }) }))
    return reply.code(201).send({ ...bodies.webhookJson(made.endpoint, clock.nowMs()), secret: made.secret })
  })

  const list = operation(
    reading({
      id: 'listWebhooks',
      summary: 'Every webhook, without its secrets.',
      answers: { 200: json(z.object({ items: z.array(bodies.webhookSchema) }), 'The webhooks.') },
    }),
    {},
  )
  server.get('/v1/webhooks', list, async (request) => {
    const every = await webhooks.list()
    const seen = await Promise.all(every.map((endpoint) => maySee(parts, request, endpoint)))
    const nowMs = clock.nowMs()
    return { items: every.filter((_, place) => seen[place]).map((endpoint) => bodies.webhookJson(endpoint, nowMs)) }
  })
}

function addEndpointRoutes(server: HttpServer, parts: HttpParts): void {
  const { webhooks, clock } = parts
  const show = operation(
    reading({
      id: 'showWebhook',
      summary: 'One webhook, without its secrets.',
      answers: { 200: json(bodies.webhookSchema, 'The webhook.') },
      problems: [404],
    }),
    { params: bodies.webhookParams },
  )
  server.get('/v1/webhooks/:webhook', show, async (request) =>
    bodies.webhookJson(await seenBy(parts, request, request.params.webhook), clock.nowMs()),
  )

  const patch = operation(
    writing({
      id: 'patchWebhook',
      summary: 'Changes a webhook; what is absent stays.',
      answers: { 200: json(bodies.webhookSchema, 'The webhook.') },
      problems: [404, 422],
    }),
    { params: bodies.webhookParams, body: bodies.webhookPatch },
  )
  server.patch('/v1/webhooks/:webhook', patch, async (request) => {
    const { id } = await seenBy(parts, request, request.params.webhook)
    const changed = await webhooks.change(id, request.body)
    return bodies.webhookJson(accepted(known(changed, id)), clock.nowMs())
  })

  const remove = operation(
    writing({
      id: 'removeWebhook',
      summary: 'Takes a webhook away, with what is yet to be delivered.',
      answers: { 200: json(z.object({ id: z.string(), removed: z.literal(true) }), 'Removed.') },
      problems: [404],
    }),
    { params: bodies.webhookParams },
  )
  server.delete('/v1/webhooks/:webhook', remove, async (request) => {
    const { id } = await seenBy(parts, request, request.params.webhook)
    if (!(await webhooks.remove(id))) throw unknown(id)
    return { id, removed: true }
  })
}

function addSecretRoutes(server: HttpServer, parts: HttpParts): void {
  const { webhooks, clock } = parts
  const rotate = operation(
    writing({
      id: 'rotateWebhook',
      summary: 'Gives a webhook a new secret; the one before signs as well for a while.',
      answers: { 200: json(bodies.keyedSchema, 'The webhook with its new secret.') },
      problems: [404],
    }),
    { params: bodies.webhookParams, body: bodies.rotateBody },
  )
  server.post('/v1/webhooks/:webhook/rotate', rotate, async (request) => {
    const { id } = await seenBy(parts, request, request.params.webhook)
    const { oldSeconds } = bodies.rotateBody.unwrap().parse(request.body ?? {})
    const { endpoint, secret } = known(await webhooks.rotate(id, oldSeconds), id)
    return { ...bodies.webhookJson(endpoint, clock.nowMs()), secret }
  })

  const test = operation(
    writing({
      id: 'testWebhook',
      summary: 'Sends a message of the type webhook.test, once and now.',
      answers: { 200: json(bodies.testedSchema, 'What came of it.') },
      problems: [404],
    }),
    { params: bodies.webhookParams, body: z.strictObject({}).optional() },
  )
  server.post('/v1/webhooks/:webhook/test', test, async (request) => {
    const { id } = await seenBy(parts, request, request.params.webhook)
    const { kind: _, ...result } = known(await webhooks.test(id), id)
    return { delivered: 'status' in result && result.status >= 200 && result.status <= 299, ...result }
  })
}

function addDeliveryRoutes(server: HttpServer, parts: HttpParts): void {
  const { webhooks, clock } = parts
  const list = operation(
    reading({
      id: 'listDeliveries',
      summary: 'The newest attempts to deliver to a webhook, newest first.',
      answers: { 200: json(pageSchema(bodies.deliverySchema), 'Attempts.') },
      problems: [404],
    }),
    { params: bodies.webhookParams, querystring: bodies.deliveriesQuery },
  )
  server.get('/v1/webhooks/:webhook/deliveries', list, async (request) => {
    const { id } = await seenBy(parts, request, request.params.webhook)
    return pageOf(await webhooks.deliveries(id, request.query), bodies.deliveryJson)
  })

  const replay = operation(
    writing({
      id: 'replayWebhook',
      summary: 'Delivers the events since an instant again, also those that were delivered.',
      answers: { 202: json(z.object({ events: z.int() }), 'So many are on their way.') },
      problems: [404],
    }),
    { params: bodies.webhookParams, body: bodies.replayBody },
  )
  server.post('/v1/webhooks/:webhook/replay', replay, async (request, reply) => {
    const { id } = await seenBy(parts, request, request.params.webhook)
    const { since } = request.body
    if (since > clock.nowMs()) throw badField('/since', 'must not be in the future')
    return reply.code(202).send({ events: known(await webhooks.replay(id, since), id) })
  })
}

/** A key of one account sees the webhooks of that account and of those below it. */
async function maySee({ office }: HttpParts, request: FastifyRequest, { account }: WebhookEndpoint): Promise<boolean> {
  const key = keyOf(request)
  if (key.account === undefined) return true
  return account !== undefined && mayReach(office, key, account)
}

async function seenBy(parts: HttpParts, request: FastifyRequest, id: string): Promise<WebhookEndpoint> {
  const endpoint = await parts.webhooks.find(id)
  if (!endpoint || !(await maySee(parts, request, endpoint))) throw unknown(id)
  return endpoint
}

function unknown(id: string): HttpProblem {
  return new HttpProblem('webhook_unknown', `there is no webhook "${id}"`)
}

function known<T>(found: T | undefined, id: string): T {
  if (found === undefined) throw unknown(id)
  return found
}

type Answered = Awaited<ReturnType<WebhookDesk['add'] | WebhookDesk['change']>>

function accepted<T extends Exclude<Answered, undefined>>(answer: T): Exclude<T, WebhookRefused> {
  if (!('kind' in answer) || answer.kind !== 'refused') return answer as Exclude<T, WebhookRefused>
  if (answer.code === 'url_refused') throw badField('/url', answer.detail)
  throw new HttpProblem(answer.code, answer.detail)
}
