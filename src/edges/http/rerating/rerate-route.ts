/** Ended calls priced anew, a page at a time; what is posted is the difference to what each is charged now. */
import { z } from 'zod'
import { REPORT_CURSOR } from '../../../accounts/office.ts'
import { given } from '../../../accounts/profile.ts'
import { formatAmount, type Micros } from '../../../base/money.ts'
import type { CallDifference, ReratedPage } from '../../../rerating/rerating.ts'
import { accountParams } from '../accounts/account-routes.ts'
import { profileFor } from '../access.ts'
import { keyOf } from '../auth.ts'
import { id, page, whole } from '../fields.ts'
import { badField } from '../input.ts'
import { json, operation } from '../operation.ts'
import type { HttpParts } from '../parts.ts'
import { HttpProblem } from '../problem.ts'
import { periodOf, range } from '../range.ts'
import type { HttpServer } from '../server-type.ts'

const rerateBody = z.strictObject({
  from: range.from.unwrap(),
  to: range.to.unwrap(),
  tariff: id().describe('What to price the calls by.'),
  version: whole(1, 1_000_000_000).exactOptional().describe('None is the one in force now.'),
  post: z.boolean().default(false).describe('Corrects the charges; else they are only worked out.'),
})

const differenceSchema = z.object({
  call: z.string(),
  from: z.string(),
  to: z.string(),
  seconds: z.int(),
  before: z.string(),
  after: z.string(),
  posted: z.boolean(),
})

const reratedSchema = z
  .object({
    account: z.string(),
    tariff: z.string(),
    version: z.int(),
    currency: z.string(),
    calls: z.int().describe('Looked at.'),
    changed: z.int().describe('Whose charge is another; `items` are these.'),
    posted: z.int().describe('Of them those that were corrected by this request.'),
    left: z
      .object({
        no_rate: z.int().describe('The tariff has no price for the number.'),
        blocked: z.int().describe('The tariff blocks the number.'),
        unexplained: z.int().describe('The charge is not what its own tariff says.'),
      })
      .describe('Calls that stay as they were charged.'),
    before: z.string().describe('What the calls that change are charged.'),
    after: z.string(),
    items: z.array(differenceSchema),
    nextCursor: z.string().optional().describe('Absent on the last page.'),
  })
  .meta({ id: 'Rerated' })

export function addRerateRoute(server: HttpServer, { office, rerating, clock }: HttpParts): void {
  const rerate = operation(
    {
      id: 'rerateCalls',
      summary:
        'Prices ended calls of an account by another tariff version, newest first, and corrects them if asked to.',
      description:
        'Go on with nextCursor until there is none. A repeat posts nothing; after a failure the rest. Trunks and minutes stay paid.',
      tag: 'Money',
      needs: 'credit:write',
      answers: { 200: json(reratedSchema, 'A page of calls.') },
      problems: [404],
    },
    { params: accountParams, querystring: z.strictObject(page(REPORT_CURSOR)), body: rerateBody },
  )
  server.post('/v1/accounts/:account/usage/rerate', rerate, async (request) => {
    const { account } = request.params
    const { timezone, currency } = await profileFor(office, keyOf(request), account)
    const { from, to, tariff: name, version, post } = request.body
    const period = periodOf(given({ from, to }), { timezone, nowMs: clock.nowMs(), place: 'body' })
    const tariff = await rerating.tariffOf(name, version)
    if (!tariff) throw new HttpProblem('tariff_unknown', `there is no such version of tariff ${name}, or none in force`)
    if (tariff.head.currency !== currency) {
      throw badField('/tariff', `is in ${tariff.head.currency}, the account in ${currency}`)
    }
    const found = await rerating.page({ ...request.query, ...period, account, tariff, post })
    return reratedJson({ account, tariff: name, version: tariff.head.version, currency }, found)
  })
}

type Head = Pick<z.infer<typeof reratedSchema>, 'account' | 'tariff' | 'version' | 'currency'>

function reratedJson(head: Head, { calls, changed, left, nextCursor }: ReratedPage): z.infer<typeof reratedSchema> {
  return {
    ...head,
    calls,
    changed: changed.length,
    posted: changed.filter(({ posted }) => posted).length,
    left: { ...left },
    before: sumOf(changed, ({ before }) => before),
    after: sumOf(changed, ({ after }) => after),
    items: changed.map((each) => ({ ...each, before: formatAmount(each.before), after: formatAmount(each.after) })),
    ...(nextCursor === undefined ? {} : { nextCursor }),
  }
}

function sumOf(changed: readonly CallDifference[], amount: (each: CallDifference) => Micros): string {
  return formatAmount(changed.reduce((sum, each) => sum + amount(each), 0n))
}
