/** Bundles that are bought again with each cycle: how they stand, and how staff stop them or have them bought now. */
import { z } from 'zod'
import { given } from '../../../accounts/profile.ts'
import { formatAmount } from '../../../base/money.ts'
import { formatInstant } from '../../../base/time.ts'
import type { StandingView } from '../../../payments/renewals.ts'
import { accountUnknown, mustReach } from '../access.ts'
import { accountParams } from '../accounts/account-routes.ts'
import { accepted } from '../accounts/refusals.ts'
import { keyOf } from '../auth.ts'
import { json, operation } from '../operation.ts'
import type { HttpParts } from '../parts.ts'
import type { HttpServer } from '../server-type.ts'
import { stopBody } from './payment-bodies.ts'
import { paymentJson, paymentSchema } from './payment-json.ts'
import { taken } from './payment-refusals.ts'

const money = z.string().describe('Decimal text in the currency of the account.')
const instant = z.string().describe('RFC 3339, UTC.')

const standingSchema = z
  .object({
    currency: z.string(),
    items: z.array(
      z.object({
        id: z.string().describe('The payment that began it.'),
        bundles: z.int(),
        seconds: z.int(),
        amount: money.describe('What a cycle costs.'),
      }),
    ),
    renewsAt: instant.optional().describe('When they are bought again.'),
    payment: paymentSchema.optional().describe('The newest renewal.'),
    nextAt: instant.optional().describe('When one that failed is tried again.'),
  })
  .meta({ id: 'RecurringBundles' })

export function addBundleRoutes(server: HttpServer, { office, payments: { renewals } }: HttpParts): void {
  const viewOf = async (account: string) => {
    const view = await renewals.view(account)
    if (!view) throw accountUnknown(account)
    return standingJson(view)
  }
  const answers = { 200: json(standingSchema, 'How they stand.') }
  const steering = { tag: 'Payments', needs: 'credit:write' } as const

  const show = operation(
    {
      id: 'showBundles',
      summary: 'Bundles of minutes that are bought again with each cycle.',
      tag: 'Payments',
      needs: 'accounts:read',
      answers,
      problems: [404],
    },
    { params: accountParams },
  )
  server.get('/v1/accounts/:account/bundles', show, async (request) => {
    const { account } = request.params
    await mustReach(office, keyOf(request), account)
    return viewOf(account)
  })

  const stop = operation(
    {
      id: 'stopBundles',
      summary: 'Has bundles not bought again; the minutes of the cycle in force stay.',
      ...steering,
      answers,
      problems: [404],
    },
    { params: accountParams, body: stopBody },
  )
  server.post('/v1/accounts/:account/bundles/stop', stop, async (request) => {
    const { account } = request.params
    await mustReach(office, keyOf(request), account)
    accepted(await renewals.stop(account, request.body?.bundles))
    return viewOf(account)
  })

  const renew = operation(
    {
      id: 'renewBundles',
      summary: 'Buys bundles again now, where the cycle in force is not paid for.',
      description: 'So that nobody waits after a card that was declined was replaced.',
      ...steering,
      answers: { 200: json(paymentSchema, 'What became of it: see `state`.') },
      problems: [404, 409, 422],
    },
    { params: accountParams },
  )
  server.post('/v1/accounts/:account/bundles/renew', renew, async (request) => {
    const { account } = request.params
    await mustReach(office, keyOf(request), account)
    return paymentJson(taken(await renewals.attempt(account, true)).payment)
  })
}

function standingJson({
  bundles,
  currency,
  renewsAtMs,
  payment,
  nextAtMs,
}: StandingView): z.infer<typeof standingSchema> {
  return {
    currency,
    items: bundles.map(({ id, bundles: count, seconds, amount }) => {
      return { id, bundles: count, seconds, amount: formatAmount(amount) }
    }),
    ...given({ renewsAt: instantOf(renewsAtMs), nextAt: instantOf(nextAtMs) }),
    ...(payment ? { payment: paymentJson(payment) } : {}),
  }
}

function instantOf(atMs: number | undefined): string | undefined {
  return atMs === undefined ? undefined : formatInstant(atMs)
}
