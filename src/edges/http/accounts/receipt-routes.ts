/** Receipts of payments: listed, shown, and sent again. */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { HISTORY_CURSOR } from '../../../accounts/office.ts'
import { formatAmount } from '../../../base/money.ts'
import { formatInstant } from '../../../base/time.ts'
import type { PaidReceipt } from '../../../notices/receipts.ts'
import type { ReceiptRefused } from '../../../notices/receipt-desk.ts'
import { profileFor } from '../access.ts'
import { keyOf } from '../auth.ts'
import { email, id, page } from '../fields.ts'
import { idempotencyKeyIn, optionalKeyHeader } from '../idempotency.ts'
import { json, operation } from '../operation.ts'
import { pageOf, pageSchema } from '../paging.ts'
import type { HttpParts } from '../parts.ts'
import { HttpProblem } from '../problem.ts'
import type { HttpServer } from '../server-type.ts'
import { accountParams } from './account-routes.ts'

const RECEIPT = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,84}$/

const receiptParams = z.object({
  account: id(),
  receipt: z.string().regex(RECEIPT, 'must be the number of a receipt, such as acme-7'),
})

const receiptSchema = z
  .object({
    receipt: z.string().describe('Its number, unique for ever.'),
    payment: z.string(),
    kind: z.enum(['credit', 'bundle', 'recharge']),
    amount: z.string(),
    currency: z.string(),
    card: z.string().describe('Brand and last four digits.'),
    buyer: z.string().optional().describe('Mail address of who bought.'),
    paidAt: z.string().describe('RFC 3339, UTC.'),
  })
  .meta({ id: 'Receipt' })

const resendBody = z.strictObject({
  to: email().exactOptional().describe('Another address than that of who bought.'),
})

const resentSchema = z.object({ receipt: z.string(), to: z.array(z.string()) }).meta({ id: 'ResentReceipt' })

export function addReceiptRoutes(server: HttpServer, parts: HttpParts): void {
  addReading(server, parts)
  addResend(server, parts)
}

function addReading(server: HttpServer, { office, receipts }: HttpParts): void {
  const words = { tag: 'Accounts', needs: 'accounts:read', problems: [404] } as const
  const list = operation(
    {
      id: 'listReceipts',
      summary: 'Receipts of an account.',
      answers: { 200: json(pageSchema(receiptSchema), 'A page of receipts.') },
      ...words,
    },
    { params: accountParams, querystring: z.strictObject(page(HISTORY_CURSOR)) },
  )
  server.get('/v1/accounts/:account/receipts', list, async (request) => {
    const { id: account } = await profileFor(office, keyOf(request), request.params.account)
    return pageOf(await receipts.list(account, request.query), receiptJson)
  })

  const show = operation(
    {
      id: 'getReceipt',
      summary: 'One receipt.',
      answers: { 200: json(receiptSchema, 'The receipt.') },
      ...words,
    },
    { params: receiptParams },
  )
  server.get('/v1/accounts/:account/receipts/:receipt', show, async (request) => {
    const { account, receipt } = request.params
    await profileFor(office, keyOf(request), account)
    const found = await receipts.find(account, receipt)
    if (!found) throw new HttpProblem('receipt_unknown', `account ${account} has no receipt ${receipt}`)
    return receiptJson(found)
  })
}

function addResend(server: HttpServer, { office, receipts }: HttpParts): void {
  const resend = operation(
    {
      id: 'resendReceipt',
      summary: 'Sends a receipt once more, to who bought or to another address.',
      description:
        'Where nobody bought by hand it goes to the contacts that want receipts. With an Idempotency-Key a repeat sends nothing.',
      tag: 'Accounts',
      needs: 'accounts:write',
      answers: { 200: json(resentSchema, 'Handed to the mail server.') },
      problems: [404, 409, 422, 429],
    },
    { params: receiptParams, body: resendBody, headers: optionalKeyHeader },
  )
  server.post('/v1/accounts/:account/receipts/:receipt/resend', resend, async (request) => {
    const { account, receipt } = request.params
    await profileFor(office, keyOf(request), account)
    const operationId = idempotencyKeyIn(request.headers) ?? randomUUID()
    const answer = await receipts.resend({ account, receipt, ...request.body, operation: operationId })
    if (answer.kind === 'refused') throw problemOf(answer)
    return { receipt, to: [...answer.to] }
  })
}

function problemOf({ code, detail }: ReceiptRefused): HttpProblem {
  return new HttpProblem(code, detail)
}

function receiptJson({ receipt, payment, kind, amount, currency, card, buyer, paidAtMs }: PaidReceipt) {
  return {
    receipt,
    payment,
    kind,
    amount: formatAmount(amount),
    currency,
    card,
    ...(buyer === undefined ? {} : { buyer }),
    paidAt: formatInstant(paidAtMs),
  }
}
