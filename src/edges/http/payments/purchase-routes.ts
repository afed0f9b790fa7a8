/** What is bought with a card: reviewed and confirmed, or at once; and what became of it. */
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { HISTORY_CURSOR } from '../../../accounts/office.ts'
import type { Paid } from '../../../payments/cashier.ts'
import { mustReach } from '../access.ts'
import { accountParams } from '../accounts/account-routes.ts'
import { keyOf } from '../auth.ts'
import { id, page } from '../fields.ts'
import { idempotencyKeyIn, keyHeader, needsIdempotencyKey } from '../idempotency.ts'
import { json, operation } from '../operation.ts'
import { pageOf, pageSchema } from '../paging.ts'
import type { HttpParts } from '../parts.ts'
import { HttpProblem } from '../problem.ts'
import type { HttpServer } from '../server-type.ts'
import { confirmBody, goodsOf, orderBody, purchaseBody, refundBody } from './payment-bodies.ts'
import { orderJson, orderSchema, paymentJson, paymentSchema } from './payment-json.ts'
import { taken } from './payment-refusals.ts'

const orderParams = z.object({ account: id(), order: id() })
const paymentParams = z.object({ account: id(), payment: id() })

const PAID = {
  200: json(paymentSchema, 'Charged, or failed: see `state`. Also of a repeat, with the header Idempotent-Replayed.'),
  202: json(paymentSchema, 'What became of it is not known yet, or the holder of the card must agree.'),
}

const paying = { tag: 'Payments', needs: 'credit:write', answers: PAID, problems: [404, 409, 422] } as const
const options = { onRequest: needsIdempotencyKey }

export function addPurchaseRoutes(server: HttpServer, parts: HttpParts): void {
  addOrders(server, parts)
  addPurchase(server, parts)
  addPayments(server, parts)
}

function addOrders(server: HttpServer, { office, payments: { desk } }: HttpParts): void {
  const order = operation(
    {
      id: 'reviewOrder',
      summary: 'What credit or bundles of minutes would cost; nothing is charged.',
      tag: 'Payments',
      needs: 'credit:write',
      answers: { 201: json(orderSchema, 'To be confirmed.') },
      problems: [404, 409, 422],
    },
    { params: accountParams, body: orderBody },
  )
  server.post('/v1/accounts/:account/orders', order, async (request, reply) => {
    const { account } = request.params
    await mustReach(office, keyOf(request), account)
    const { buyer } = request.body
    return reply.code(201).send(orderJson(taken(await desk.review(account, goodsOf(request.body), buyer))))
  })

  const confirm = operation(
    {
      id: 'confirmOrder',
      summary: 'Charges what was reviewed, once, whoever confirms it and however often.',
      ...paying,
    },
    { params: orderParams, headers: keyHeader, body: confirmBody },
  )
  server.post('/v1/accounts/:account/orders/:order/confirm', { ...confirm, ...options }, async (request, reply) => {
    const { account, order: ordered } = request.params
    await mustReach(office, keyOf(request), account)
    const operationId = idempotencyKeyIn(request.headers) ?? ''
    return answered(reply, taken(await desk.confirm(account, ordered, { ...request.body, operation: operationId })))
  })
}

function addPurchase(server: HttpServer, { office, payments: { desk } }: HttpParts): void {
  const buy = operation(
    { id: 'addPayment', summary: 'Buys credit or bundles of minutes without a review.', ...paying },
    { params: accountParams, headers: keyHeader, body: purchaseBody },
  )
  server.post('/v1/accounts/:account/payments', { ...buy, ...options }, async (request, reply) => {
    const { account } = request.params
    await mustReach(office, keyOf(request), account)
    const operationId = idempotencyKeyIn(request.headers) ?? ''
    const { kind: _, amount: __, bundles: ___, recurring: ____, ...payer } = request.body
    return answered(reply, taken(await desk.buy(account, goodsOf(request.body), { ...payer, operation: operationId })))
  })
}

function addPayments(server: HttpServer, { office, payments: { desk } }: HttpParts): void {
  const reading = { tag: 'Payments', needs: 'accounts:read', problems: [404] } as const
  const list = operation(
    {
      id: 'listPayments',
      summary: 'Payments of an account, newest first.',
      answers: { 200: json(pageSchema(paymentSchema), 'A page of payments.') },
      ...reading,
    },
    { params: accountParams, querystring: z.strictObject(page(HISTORY_CURSOR)) },
  )
  server.get('/v1/accounts/:account/payments', list, async (request) => {
    const { account } = request.params
    await mustReach(office, keyOf(request), account)
    return pageOf(await desk.payments(account, request.query), paymentJson)
  })

  const show = operation(
    { id: 'showPayment', summary: 'One payment.', answers: { 200: json(paymentSchema, 'The payment.') }, ...reading },
    { params: paymentParams },
  )
  server.get('/v1/accounts/:account/payments/:payment', show, async (request) => {
    const { account, payment } = request.params
    await mustReach(office, keyOf(request), account)
    const found = await desk.payment(account, payment)
    if (!found) throw new HttpProblem('payment_unknown', `the account has no payment "${payment}"`)
    return paymentJson(found)
  })

  const refund = operation(
    {
      id: 'refundPayment',
      summary: 'Pays a payment back to its card, whole or in part.',
      description:
        'What is paid back must be there: it is put aside first, and debited when the provider has paid it back.',
      ...paying,
    },
    { params: paymentParams, headers: keyHeader, body: refundBody },
  )
  server.post('/v1/accounts/:account/payments/:payment/refund', { ...refund, ...options }, async (request, reply) => {
    const { account, payment } = request.params
    await mustReach(office, keyOf(request), account)
    const operationId = idempotencyKeyIn(request.headers) ?? ''
    return answered(reply, taken(await desk.refund({ ...request.body, account, payment, operation: operationId })))
  })
}

function answered(reply: FastifyReply, { payment, replayed }: Paid): FastifyReply {
  if (replayed) reply.header('idempotent-replayed', 'true')
  const isOpen = !['failed', 'succeeded'].includes(payment.state)
  const isRefunding = payment.refunds.some(({ state }) => state === 'opened' || state === 'unknown')
  return reply.code(isOpen || isRefunding ? 202 : 200).send(paymentJson(payment))
}
