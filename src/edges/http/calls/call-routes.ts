/** Calls for people and jobs: what is up now, why one costs what it costs, ending one, and what one would cost. */
import { z } from 'zod'
import { formatAmount } from '../../../base/money.ts'
import type { Quote } from '../../../calls/requests.ts'
import { mayReach, mustReach } from '../access.ts'
import { keyOf } from '../auth.ts'
import { id, instantText, label, page } from '../fields.ts'
import { json, operation } from '../operation.ts'
import { pageOf, pageSchema } from '../paging.ts'
import { CALL_CURSOR, type CallView, type HttpParts, type KeyIdentity } from '../parts.ts'
import { HttpProblem } from '../problem.ts'
import type { HttpServer } from '../server-type.ts'
import { deniedAnswer, deniedSchema } from './call-answers.ts'
import { callJson, callSchema, callViewSchema, visibleLevels } from './call-json.ts'

const callParams = z.object({ call: z.string().max(64).describe("The daemon's id of the call.") })

const listQuery = z.strictObject({
  account: id().exactOptional().describe('Calls that it or an account below it pays for.'),
  state: z.enum(['authorized', 'answered', 'ending', 'ended', 'failed']).exactOptional(),
  node: z.string().max(256).exactOptional(),
  ...page(CALL_CURSOR),
})

const endBody = z.strictObject({ reason: label().exactOptional().describe('For the history.') }).optional()

const number = z.string().max(256)

const quoteBody = z.strictObject({
  account: id(),
  direction: z.enum(['outbound', 'inbound']),
  from: number,
  to: number.min(1),
  seconds: z.int().min(0).max(86_400).exactOptional().describe('None is the first slice.'),
  at: instantText().exactOptional().describe('None is now.'),
})

const quoteSchema = z.object({
  price: z.string(),
  currency: z.string(),
  billedSeconds: z.int(),
  rate: z
    .object({
      tariff: z.string(),
      version: z.int(),
      prefix: z.string(),
      destination: z.string(),
      perMinute: z.string(),
      connectFee: z.string(),
      increments: z.string(),
    })
    .optional(),
  maxSeconds: z.int().describe('How long a call could last with what the account has now.'),
  funding: z.array(
    z.object({
      source: z.enum(['trunk', 'pool', 'credit', 'free']),
      id: z.string().optional(),
      seconds: z.int(),
      amount: z.string(),
    }),
  ),
})

export function addCallRoutes(server: HttpServer, parts: HttpParts): void {
  addReading(server, parts)
  addEnding(server, parts)
  addQuoting(server, parts)
}

function addReading(server: HttpServer, parts: HttpParts): void {
  const list = operation(
    {
      id: 'listCalls',
      summary: 'Live calls.',
      tag: 'Calls',
      needs: 'usage:read',
      answers: { 200: json(pageSchema(callSchema), 'A page of calls.') },
      problems: [404],
    },
    { querystring: listQuery },
  )
  server.get('/v1/calls', list, async (request) => {
    const key = keyOf(request)
    const filter = request.query
    const account = filter.account ?? key.account
    if (account !== undefined) await mustReach(parts.office, key, account)
    const found = await parts.desk.list({ ...filter, ...(account === undefined ? {} : { account }) })
    return pageOf(found, (record) => callJson(record, key.account))
  })

  const show = operation(
    {
      id: 'showCall',
      summary: 'One call and why it stands as it does.',
      tag: 'Calls',
      needs: 'usage:read',
      answers: { 200: json(callViewSchema, 'The call.') },
      problems: [404],
    },
    { params: callParams },
  )
  server.get('/v1/calls/:call', show, async (request) => {
    const key = keyOf(request)
    const view = await parts.desk.find(request.params.call)
    if (!view || !(await mayReach(parts.office, key, view.record.account))) throw callUnknown(request.params.call)
    return viewJson(view, key.account)
  })
}

function addEnding(server: HttpServer, parts: HttpParts): void {
  const end = operation(
    {
      id: 'endCall',
      summary: 'Ends a call through its edge.',
      description: 'The call is `ending` until the edge says that it is over, or until it is presumed to be.',
      tag: 'Calls',
      needs: 'ops:write',
      answers: { 200: json(callSchema, 'The call.') },
      problems: [404],
    },
    { params: callParams, body: endBody },
  )
  server.post('/v1/calls/:call/end', end, async (request) => {
    const { call } = request.params
    const key = keyOf(request)
    if (!(await ownsCall(parts, key, call))) throw callUnknown(call)
    const record = await parts.desk.end(call, request.body?.reason)
    if (!record) throw callUnknown(call)
    return callJson(record, key.account)
  })
}

function addQuoting(server: HttpServer, parts: HttpParts): void {
  const quote = operation(
    {
      id: 'quoteCall',
      summary: 'What a call would cost, and who would pay. Changes nothing.',
      tag: 'Calls',
      needs: 'accounts:read',
      answers: { 200: json(z.union([quoteSchema, deniedSchema]), 'The price, or why the call would be refused.') },
      problems: [404],
    },
    { body: quoteBody },
  )
  server.post('/v1/quotes', quote, async (request) => {
    const { at, ...asked } = request.body
    await mustReach(parts.office, keyOf(request), asked.account)
    const answer = await parts.desk.quote({ ...asked, ...(at === undefined ? {} : { atMs: at }) })
    return answer.kind === 'refused' ? deniedAnswer(answer, '', parts.replies) : quoteJson(answer)
  })
}

function callUnknown(call: string): HttpProblem {
  return new HttpProblem('call_unknown', `there is no call "${call}"`)
}

async function ownsCall(parts: HttpParts, key: KeyIdentity, call: string): Promise<boolean> {
  if (key.account === undefined) return true
  const view = await parts.desk.find(call)
  return view !== undefined && mayReach(parts.office, key, view.record.account)
}

function viewJson({ record, explanation }: CallView, viewer: string | undefined): z.infer<typeof callViewSchema> {
  const levels = explanation.levels.slice(0, visibleLevels(record, viewer))
  return { ...callJson(record, viewer), explanation: { levels, history: [...explanation.history] } }
}

function quoteJson({ price, currency, billedSeconds, rate, maxSeconds, funding }: Quote): z.infer<typeof quoteSchema> {
  return {
    price: formatAmount(price),
    currency,
    billedSeconds,
    ...(rate ? { rate } : {}),
    maxSeconds,
    funding: funding.map(({ source, id: part, seconds, amount }) => ({
      source,
      ...(part === undefined ? {} : { id: part }),
      seconds,
      amount: formatAmount(amount),
    })),
  }
}
