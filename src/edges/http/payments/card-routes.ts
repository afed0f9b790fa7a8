/** Cards on file: the provider's own form takes the number, we keep its name for the card. */
import { z } from 'zod'
import { accountUnknown, mustReach } from '../access.ts'
import { accountParams } from '../accounts/account-routes.ts'
import { keyOf } from '../auth.ts'
import { id } from '../fields.ts'
import { idempotencyKeyIn, keyHeader, needsIdempotencyKey } from '../idempotency.ts'
import { json, operation } from '../operation.ts'
import type { HttpParts } from '../parts.ts'
import type { HttpServer } from '../server-type.ts'
import { cardBody, cardPatchBody } from './payment-bodies.ts'
import { cardJson, cardsJson, cardSchema, cardsSchema, setupSchema } from './payment-json.ts'
import { taken } from './payment-refusals.ts'

const cardParams = z.object({ account: id(), card: id() })
const write = { tag: 'Payments', needs: 'credit:write', problems: [404, 409, 422] } as const

export function addCardRoutes(server: HttpServer, parts: HttpParts): void {
  addWriting(server, parts)
  addKept(server, parts)
}

function addWriting(server: HttpServer, { office, payments: { desk } }: HttpParts): void {
  const add = operation(
    {
      id: 'addPaymentMethod',
      summary: 'Puts a card on file.',
      description:
        "Without a token the answer has what the provider's form needs; when the form is done, send its setup as token.",
      answers: { 201: json(cardSchema, 'On file.'), 202: json(setupSchema, 'To be gone on with in the form.') },
      ...write,
    },
    { params: accountParams, headers: keyHeader, body: cardBody },
  )
  server.post(
    '/v1/accounts/:account/payment-methods',
    { ...add, onRequest: needsIdempotencyKey },
    async (request, reply) => {
      const { account } = request.params
      await mustReach(office, keyOf(request), account)
      const key = idempotencyKeyIn(request.headers) ?? ''
      const added = taken(await desk.addCard(account, { ...request.body, key }))
      if (added.kind === 'card') return reply.code(201).send(cardJson(added.card, added.book))
      return reply.code(202).send({ setup: added.setup, clientSecret: added.clientSecret })
    },
  )
}

function addKept(server: HttpServer, { office, payments: { desk } }: HttpParts): void {
  const list = operation(
    {
      id: 'listPaymentMethods',
      summary: 'Cards on file.',
      tag: 'Payments',
      needs: 'accounts:read',
      answers: { 200: json(cardsSchema, 'The cards, oldest first.') },
      problems: [404],
    },
    { params: accountParams },
  )
  server.get('/v1/accounts/:account/payment-methods', list, async (request) => {
    const { account } = request.params
    await mustReach(office, keyOf(request), account)
    const book = await desk.cards(account)
    if (!book) throw accountUnknown(account)
    return cardsJson(book)
  })

  const patch = operation(
    {
      id: 'patchPaymentMethod',
      summary: 'Changes the contact of a card, or has it pay what recurs.',
      answers: { 200: json(cardSchema, 'The card.') },
      ...write,
    },
    { params: cardParams, body: cardPatchBody },
  )
  server.patch('/v1/accounts/:account/payment-methods/:card', patch, async (request, reply) => {
    const { account, card } = request.params
    await mustReach(office, keyOf(request), account)
    const changed = taken(await desk.changeCard(account, card, request.body))
    if (changed.kind === 'card') return cardJson(changed.card, changed.book)
    return reply
  })

  const remove = operation(
    {
      id: 'removePaymentMethod',
      summary: 'Takes a card from file.',
      answers: { 200: json(cardsSchema, 'The cards that are left.') },
      ...write,
    },
    { params: cardParams },
  )
  server.delete('/v1/accounts/:account/payment-methods/:card', remove, async (request) => {
    const { account, card } = request.params
    await mustReach(office, keyOf(request), account)
    return cardsJson(taken(await desk.removeCard(account, card)))
  })
}
