/** Statements: what an account was charged and owes, and the same for every account below it. */
import { z } from 'zod'
import { chargeClasses } from '../../../accounts/charge-class.ts'
import { formatAmount } from '../../../base/money.ts'
import { dayOf, formatInstant } from '../../../base/time.ts'
import type { AccountTotals } from '../../../statements/statement-desk.ts'
import type { Statement, StatementItem, Totals } from '../../../statements/statement.ts'
import { accountParams } from '../accounts/account-routes.ts'
import { figures, figuresJson } from '../accounts/usage-routes.ts'
import { profileFor } from '../access.ts'
import { keyOf } from '../auth.ts'
import { page } from '../fields.ts'
import { json, operation } from '../operation.ts'
import { pageOf, pageSchema } from '../paging.ts'
import type { HttpParts } from '../parts.ts'
import { periodOf, range } from '../range.ts'
import type { HttpServer } from '../server-type.ts'

const totals = {
  monthly: z.string().describe('Fees and minutes that were bought.'),
  calls: z.string().describe('Per-minute use and its corrections, by when they were posted.'),
  payments: z.string().describe('Money that came in, less what was paid back.'),
  credits: z.string().describe('Adjustments; below zero were taken.'),
  total: z.string().describe('monthly + calls − credits.'),
}

const chargeClass = z.enum(chargeClasses)

const itemSchema = z.object({
  id: z.string().describe('Of the journal entry.'),
  at: z.string(),
  what: z.string(),
  class: chargeClass.optional(),
  why: z.string().optional(),
  externalId: z.string().optional(),
  amount: z.string().describe('Below zero was taken.'),
  charge: z.string().optional().describe('What was charged: of minutes that a card paid what they cost.'),
  poolSeconds: z.int().describe('Minutes that were added, in seconds.'),
})

const statementSchema = z
  .object({
    account: z.string(),
    from: z.string().describe('First day, in the zone of the account.'),
    to: z.string().describe('Last day; included.'),
    timezone: z.string(),
    currency: z.string(),
    opening: z.string().describe('Credit at the beginning of the period.'),
    closing: z.string().describe('opening + payments + credits − monthly − calls.'),
    totalDue: z.string().describe('What is owed at the end of the period.'),
    dueDate: z.string().describe('The day on which the next billing cycle begins.'),
    ...totals,
    charges: z
      .array(z.object({ class: chargeClass, count: z.int(), amount: z.string() }))
      .describe('monthly, by class.'),
    usage: z.object(figures).describe('Of the calls that ended in the period.'),
    items: z.array(itemSchema).describe('Entries that are no calls, oldest first.'),
    hasMoreItems: z.boolean().describe('There are more than these, among the transactions.'),
  })
  .meta({ id: 'Statement' })

const totalsSchema = z.object({ account: z.string(), ...totals }).meta({ id: 'AccountTotals' })

export function addStatementRoutes(server: HttpServer, { office, statements, clock }: HttpParts): void {
  const words = { tag: 'Reports', needs: 'usage:read', problems: [404] } as const
  const description = 'Without from and to: this month so far, in the time zone of the account.'
  const show = operation(
    {
      id: 'showStatement',
      summary: 'What an account was charged and owes: monthly charges by class, per-minute use, credits, payments.',
      description,
      answers: { 200: json(statementSchema, 'The statement.') },
      ...words,
    },
    { params: accountParams, querystring: z.strictObject(range) },
  )
  server.get('/v1/accounts/:account/statement', show, async (request) => {
    const profile = await profileFor(office, keyOf(request), request.params.account)
    const { id: account, timezone, currency } = profile
    const period = periodOf(request.query, { timezone, nowMs: clock.nowMs() })
    return {
      ...{ account, timezone, currency },
      ...statementJson(await statements.statement(profile, period), timezone),
    }
  })

  const list = operation(
    {
      id: 'listStatements',
      summary: 'What an account and each account below it was charged.',
      description,
      answers: { 200: json(pageSchema(totalsSchema), 'A page of accounts, the account itself first.') },
      ...words,
    },
    { params: accountParams, querystring: z.strictObject({ ...range, ...page(/^\d{1,9}$/) }) },
  )
  server.get('/v1/accounts/:account/statements', list, async (request) => {
    const { account } = request.params
    const { timezone } = await profileFor(office, keyOf(request), account)
    const { cursor, limit, ...texts } = request.query
    const period = periodOf(texts, { timezone, nowMs: clock.nowMs() })
    const found = await statements.totals(account, { ...period, limit, ...(cursor === undefined ? {} : { cursor }) })
    return pageOf(found, (each: AccountTotals) => ({ account: each.account, ...totalsJson(each) }))
  })
}

type StatementJson = Omit<z.infer<typeof statementSchema>, 'account' | 'timezone' | 'currency'>

function statementJson(statement: Statement, timezone: string): StatementJson {
  const { fromMs, untilMs, opening, closing, charges, usage, dueAtMs, items, hasMoreItems } = statement
  return {
    from: dayOf(fromMs, timezone),
    to: dayOf(untilMs - 1, timezone),
    opening: formatAmount(opening),
    closing: formatAmount(closing),
    totalDue: formatAmount(closing < 0n ? -closing : 0n),
    dueDate: dayOf(dueAtMs, timezone),
    ...totalsJson(statement),
    charges: charges.map((charge) => ({ ...charge, amount: formatAmount(charge.amount) })),
    usage: figuresJson(usage),
    items: items.map(itemJson),
    hasMoreItems,
  }
}

function totalsJson({ monthly, calls, payments, credits }: Totals) {
  return {
    monthly: formatAmount(monthly),
    calls: formatAmount(calls),
    payments: formatAmount(payments),
    credits: formatAmount(credits),
    total: formatAmount(monthly + calls - credits),
  }
}

function itemJson({ atMs, amount, charge, ...rest }: StatementItem): z.infer<typeof itemSchema> {
  const charged = charge === 0n ? {} : { charge: formatAmount(charge) }
  return { ...rest, at: formatInstant(atMs), amount: formatAmount(amount), ...charged }
}
