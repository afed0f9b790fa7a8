/** Stored bytes of an account, as the operator's system reports them day by day, and what they cost. */
import { z } from 'zod'
import { formatAmount } from '../../../base/money.ts'
import { formatInstant } from '../../../base/time.ts'
import type { MonthView, StorageView } from '../../../storage-fee/storage-desk.ts'
import { storageTermsSchema } from '../accounts/account-json.ts'
import { accountParams } from '../accounts/account-routes.ts'
import { accountUnknown, mustReach } from '../access.ts'
import { keyOf } from '../auth.ts'
import { bytes, day } from '../fields.ts'
import { json, operation } from '../operation.ts'
import type { HttpParts } from '../parts.ts'
import { HttpProblem } from '../problem.ts'
import type { HttpServer } from '../server-type.ts'

const reportParams = accountParams.extend({ day: day().describe('In the zone of the account.') })

const reportBody = z.strictObject({ bytes: bytes().describe('Stored on that day.') })

const monthSchema = z
  .object({
    month: z.string().describe('Such as 2026-11.'),
    state: z
      .enum(['open', 'closed', 'billed', 'free'])
      .describe('Days of an open month may be reported; the fee of a closed one is about to be posted.'),
    measuredBytes: z.int().describe('Of an open month, so far.'),
    units: z.int().describe('That are charged.'),
    fee: z.string().describe('Of an open month, as it is so far.'),
    why: z.string().optional().describe('Measure, threshold and price.'),
    closesAt: z.string().optional().describe('Of an open month: until then its days may be reported.'),
    entry: z.string().optional().describe('Of a billed month: its journal entry.'),
    days: z.array(z.object({ day: z.string(), bytes: z.int() })),
  })
  .meta({ id: 'StorageMonth' })

const storageSchema = z
  .object({
    account: z.string(),
    currency: z.string(),
    timezone: z.string(),
    terms: storageTermsSchema.optional().describe('In force now; absent: storage costs nothing.'),
    months: z.array(monthSchema).describe('Oldest first; this month and up to twelve before.'),
  })
  .meta({ id: 'Storage' })

export function addStorageRoutes(server: HttpServer, { office, storage }: HttpParts): void {
  const report = operation(
    {
      id: 'reportStorage',
      summary: 'Says how much an account stores on a day.',
      description: 'The last word for a day counts, until its month is billed; the same again changes nothing.',
      tag: 'Money',
      needs: 'credit:write',
      answers: { 200: json(monthSchema, 'The month, with the day.') },
      problems: [404, 409, 422],
    },
    { params: reportParams, body: reportBody },
  )
  server.put('/v1/accounts/:account/storage/:day', report, async (request) => {
    await mustReach(office, keyOf(request), request.params.account)
    const reported = await storage.report({ ...request.params, ...request.body })
    if (reported.kind === 'refused') throw new HttpProblem(reported.code, reported.detail)
    return monthJson(reported.month)
  })

  const show = operation(
    {
      id: 'showStorage',
      summary: 'What an account stores, day by day, and what the months cost.',
      tag: 'Reports',
      needs: 'usage:read',
      answers: { 200: json(storageSchema, 'Its months.') },
      problems: [404],
    },
    { params: accountParams },
  )
  server.get('/v1/accounts/:account/storage', show, async (request) => {
    const { account } = request.params
    await mustReach(office, keyOf(request), account)
    const found = await storage.view(account)
    if (!found) throw accountUnknown(account)
    return storageJson(found)
  })
}

function storageJson({ terms, months, ...rest }: StorageView): z.infer<typeof storageSchema> {
  return {
    ...rest,
    ...(terms ? { terms: { ...terms, price: formatAmount(terms.price) } } : {}),
    months: months.map(monthJson),
  }
}

function monthJson({ amount, why, closesAtMs, days, ...rest }: MonthView): z.infer<typeof monthSchema> {
  return {
    ...rest,
    fee: formatAmount(amount),
    ...(why === '' ? {} : { why }),
    ...(closesAtMs === undefined ? {} : { closesAt: formatInstant(closesAtMs) }),
    days: [...days],
  }
}
