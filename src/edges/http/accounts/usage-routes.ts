/** Usage of an account: summed up, and as it comes for jobs that bill. */
import { z } from 'zod'
import { formatAmount } from '../../../base/money.ts'
import { dayOf } from '../../../base/time.ts'
import { CHANGES_CURSOR, type CdrChange } from '../../../usage/changes.ts'
import type { UsagePeriod } from '../../../usage/summary.ts'
import { type UsageBy, type UsageFigures, usageGroups, type UsageRow } from '../../../usage/usage-row.ts'
import { profileFor } from '../access.ts'
import { keyOf } from '../auth.ts'
import { page } from '../fields.ts'
import { badField } from '../input.ts'
import { json, operation } from '../operation.ts'
import type { HttpParts } from '../parts.ts'
import { periodOf, range } from '../range.ts'
import type { HttpServer } from '../server-type.ts'
import { accountParams } from './account-routes.ts'
import { cdrSchema } from './report-routes.ts'

const includeDescendants = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true')

const usageQuery = z.strictObject({ ...range, by: z.enum(usageGroups).default('day'), includeDescendants })

const changesQuery = z.strictObject({
  ...page(CHANGES_CURSOR),
  cursor: page(CHANGES_CURSOR).cursor.describe('`cursor` of the answer before.'),
  includeDescendants,
})

/** Of the usage of a period. */
export const figures = {
  calls: z.int().describe('CDRs: a call has one for each account of its chain.'),
  seconds: z.int().describe('Talked.'),
  billedSeconds: z.int(),
  poolSeconds: z.int().describe('Seconds paid by minutes.'),
  trunkSeconds: z.int().describe('Seconds carried by trunks.'),
  overrunSeconds: z.int().describe('Seconds beyond what pools had, paid by nobody.'),
  overruns: z.int().describe('Calls that used more than was granted.'),
  charge: z.string(),
}

const usageSchema = z.object({
  by: z.enum(usageGroups),
  from: z.string().describe('First day, in the zone of the account.'),
  to: z.string().describe('Last day; included.'),
  timezone: z.string(),
  items: z.array(
    z.object({
      key: z.string().describe('The day, destination, user, trunk, direction or account; "" is none.'),
      ...figures,
      currency: z.string(),
    }),
  ),
})

const changesSchema = z.object({
  items: z.array(
    z.object({
      kind: z.enum(['call', 'correction']),
      adds: z
        .object(figures)
        .describe('What this adds to all that came before: of a correction, the new CDR less the old one.'),
      cdr: cdrSchema,
    }),
  ),
  cursor: z.string().describe('Where to go on, now or at any later time.'),
  more: z.boolean().describe('There is more already.'),
})

export function addUsageRoutes(server: HttpServer, { office, usage, clock }: HttpParts): void {
  const words = { tag: 'Reports', needs: 'usage:read', problems: [404] } as const
  const summary = operation(
    {
      id: 'showUsage',
      summary: 'Calls, seconds, minutes from pools and charges, summed up.',
      description: 'Without from and to: this month so far, in the time zone of the account.',
      answers: { 200: json(usageSchema, 'The summary.') },
      ...words,
    },
    { params: accountParams, querystring: usageQuery },
  )
  server.get('/v1/accounts/:account/usage', summary, async (request) => {
    const { account } = request.params
    const { by, includeDescendants: below, ...texts } = request.query
    const { timezone } = await profileFor(office, keyOf(request), account)
    const period = periodOf(texts, { timezone, nowMs: clock.nowMs() })
    const rows = await usage.summary(account, { ...period, by, includeDescendants: below })
    return usageJson({ by, timezone, ...period }, rows)
  })

  const changes = operation(
    {
      id: 'listUsageChanges',
      summary: 'Every CDR and every correction since a cursor, each once, in the order in which they were written.',
      description: 'Keep the cursor of each answer with what was made of its items, and go on from it the next time.',
      answers: { 200: json(changesSchema, 'What is new.') },
      ...words,
    },
    { params: accountParams, querystring: changesQuery },
  )
  server.get('/v1/accounts/:account/usage/changes', changes, async (request) => {
    const { account } = request.params
    await profileFor(office, keyOf(request), account)
    const { unknown, ...found } = await usage.changes(account, request.query)
    if (unknown) throw badField('/cursor', 'is not of this account, or of a store that is no more', 'query')
    return { ...found, items: found.items.map(changeJson) }
  })
}

function usageJson(
  { by, timezone, fromMs, untilMs }: UsagePeriod & { readonly by: UsageBy; readonly timezone: string },
  rows: readonly UsageRow[],
): z.infer<typeof usageSchema> {
  return {
    by,
    from: dayOf(fromMs, timezone),
    to: dayOf(untilMs - 1, timezone),
    timezone,
    items: rows.map(({ key, currency, ...sums }) => ({ key, ...figuresJson(sums), currency })),
  }
}

function changeJson({ kind, adds, cdr }: CdrChange): z.infer<typeof changesSchema>['items'][number] {
  return { kind, adds: figuresJson(adds), cdr: { ...cdr } }
}

export function figuresJson<Figures extends UsageFigures>({ charge, ...counts }: Figures) {
  return { ...counts, charge: formatAmount(charge) }
}
