/** The automatic purchase of credit: how it stands, and how staff steer it. Its settings are part of the account. */
import { accountUnknown, mustReach } from '../access.ts'
import { accountParams } from '../accounts/account-routes.ts'
import { keyOf } from '../auth.ts'
import { json, operation } from '../operation.ts'
import type { HttpParts } from '../parts.ts'
import type { HttpServer } from '../server-type.ts'
import { paymentJson, paymentSchema, rechargeViewJson, rechargeViewSchema } from './payment-json.ts'
import { taken } from './payment-refusals.ts'

export function addRechargeRoutes(server: HttpServer, { office, payments: { recharging } }: HttpParts): void {
  const viewOf = async (account: string) => {
    const view = await recharging.view(account)
    if (!view) throw accountUnknown(account)
    return rechargeViewJson(view)
  }
  const answers = { 200: json(rechargeViewSchema, 'How it stands.') }

  const show = operation(
    {
      id: 'showRecharge',
      summary: 'The recharge of an account.',
      tag: 'Payments',
      needs: 'accounts:read',
      answers,
      problems: [404],
    },
    { params: accountParams },
  )
  server.get('/v1/accounts/:account/recharge', show, async (request) => {
    const { account } = request.params
    await mustReach(office, keyOf(request), account)
    return viewOf(account)
  })

  const steering = { tag: 'Payments', needs: 'credit:write', answers, problems: [404] } as const
  const verbs = [
    ['pause', 'pauseRecharge', 'Charges nothing until it is resumed.'],
    ['resume', 'resumeRecharge', 'Forgets failures and caps told, and tries at once.'],
  ] as const
  for (const [verb, id, summary] of verbs) {
    const steer = operation({ id, summary, ...steering }, { params: accountParams })
    server.post(`/v1/accounts/:account/recharge/${verb}`, steer, async (request) => {
      const { account } = request.params
      await mustReach(office, keyOf(request), account)
      await viewOf(account)
      await recharging[verb](account)
      return viewOf(account)
    })
  }

  const run = operation(
    {
      id: 'runRecharge',
      summary: 'Buys what is missing now, if it is to be bought.',
      description: 'Only below the threshold, within the caps, and not while another is under way.',
      tag: 'Payments',
      needs: 'credit:write',
      answers: { 200: json(paymentSchema, 'What became of it: see `state`.') },
      problems: [404, 409, 422],
    },
    { params: accountParams },
  )
  server.post('/v1/accounts/:account/recharge/run', run, async (request) => {
    const { account } = request.params
    await mustReach(office, keyOf(request), account)
    return paymentJson(taken(await recharging.attempt(account)).payment)
  })
}
