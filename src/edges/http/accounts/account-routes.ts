/** Profiles, balances, trunks and pools of accounts. */
import { z } from 'zod'
import { ACCOUNT_CURSOR, type Page } from '../../../accounts/office.ts'
import type { AccountProfile } from '../../../accounts/account.ts'
import { accountUnknown, mayReach, mustReach, profileFor } from '../access.ts'
import { keyOf } from '../auth.ts'
import { id, page } from '../fields.ts'
import { badField } from '../input.ts'
import { json, operation } from '../operation.ts'
import { pageOf, pageSchema } from '../paging.ts'
import type { HttpParts, KeyIdentity } from '../parts.ts'
import { HttpProblem } from '../problem.ts'
import type { HttpServer } from '../server-type.ts'
import { profileBody, profileInput, profilePatchBody, trunksBody } from './account-bodies.ts'
import { accountJson, accountSchema, balanceJson, balanceSchema, trunksJson, trunksSchema } from './account-json.ts'
import { accepted } from './refusals.ts'

export const accountParams = z.object({ account: id() })

const listQuery = z.strictObject({
  parent: id().exactOptional().describe('Accounts directly below this one.'),
  ...page(ACCOUNT_CURSOR),
})

export function addAccountRoutes(server: HttpServer, parts: HttpParts): void {
  addWriting(server, parts)
  addReading(server, parts)
  addTrunks(server, parts)
}

function addWriting(server: HttpServer, { office }: HttpParts): void {
  const put = operation(
    {
      id: 'putAccount',
      summary: 'Creates an account, or replaces its profile.',
      description:
        'What is absent or null takes the defaults; of an account that is there its status, currency, parent and trunks stay. Takes the answer of showAccount.',
      tag: 'Accounts',
      needs: 'accounts:write',
      answers: { 200: json(accountSchema, 'Replaced.'), 201: json(accountSchema, 'Created.') },
      problems: [404, 409, 422],
    },
    { params: accountParams, body: profileBody },
  )
  server.put('/v1/accounts/:account', put, async (request, reply) => {
    const { account } = request.params
    const { id: named = account, parent } = request.body
    if (named !== account) throw badField('/id', 'must be the id in the path')
    await mayWrite(office, keyOf(request), { account, parent })
    const saved = accepted(await office.put(account, profileInput(request.body)))
    return reply.code(saved.created ? 201 : 200).send(accountJson(saved.profile))
  })

  const patch = operation(
    {
      id: 'patchAccount',
      summary: 'Changes some of the profile of an account.',
      description:
        'What is absent stays; null clears tariff, maxCalls, maxPricePerMinute, spendCaps, lowBalance or recharge.',
      tag: 'Accounts',
      needs: 'accounts:write',
      answers: { 200: json(accountSchema, 'The account.') },
      problems: [404, 409, 422],
    },
    { params: accountParams, body: profilePatchBody },
  )
  server.patch('/v1/accounts/:account', patch, async (request) => {
    const { account } = request.params
    const key = keyOf(request)
    await mustReach(office, key, account)
    await parentWithin(office, key, { account, parent: request.body.parent })
    return accountJson(accepted(await office.patch(account, request.body)).profile)
  })
}

type Office = HttpParts['office']

interface Placed {
  readonly account: string
  readonly parent: string | undefined
}

/** A key of one account may make accounts below it. */
async function mayWrite(office: Office, key: KeyIdentity, { account, parent }: Placed): Promise<void> {
  if (key.account === undefined) return
  await parentWithin(office, key, { account, parent })
  const exists = (await office.chainOf(account)) !== undefined
  if (exists ? !(await mayReach(office, key, account)) : parent === undefined) throw accountUnknown(account)
}

/** The parent that an account has already may be said again, also by a key that sees no higher. */
async function parentWithin(office: Office, key: KeyIdentity, { account, parent }: Placed): Promise<void> {
  if (parent === undefined || (await mayReach(office, key, parent))) return
  const [profile] = (await office.chainOf(account))?.levels ?? []
  if (profile?.parent === parent && (await mayReach(office, key, account))) return
  const errors = [{ pointer: '/parent', message: `there is no account "${parent}"`, code: 'value' as const }]
  throw new HttpProblem('parent_unknown', `there is no account "${parent}"`, { errors })
}

function addReading(server: HttpServer, { office }: HttpParts): void {
  const list = operation(
    {
      id: 'listAccounts',
      summary: 'Accounts, or those directly below one.',
      tag: 'Accounts',
      needs: 'accounts:read',
      answers: { 200: json(pageSchema(accountSchema), 'A page of accounts.') },
      problems: [404],
    },
    { querystring: listQuery },
  )
  server.get('/v1/accounts', list, async (request) => {
    const key = keyOf(request)
    const { parent } = request.query
    if (parent !== undefined) await mustReach(office, key, parent)
    const own = key.account !== undefined && parent === undefined
    return pageOf(
      own ? await ownAccounts(office, key.account, request.query) : await office.list(request.query),
      accountJson,
    )
  })

  const show = operation(
    {
      id: 'showAccount',
      summary: 'One account.',
      tag: 'Accounts',
      needs: 'accounts:read',
      answers: { 200: json(accountSchema, 'The account.') },
      problems: [404],
    },
    { params: accountParams },
  )
  server.get('/v1/accounts/:account', show, async (request) =>
    accountJson(await profileFor(office, keyOf(request), request.params.account)),
  )

  const balance = operation(
    {
      id: 'showBalance',
      summary: 'What an account has, has put aside and may use.',
      tag: 'Accounts',
      needs: 'accounts:read',
      answers: { 200: json(balanceSchema, 'The balance.') },
      problems: [404],
    },
    { params: accountParams },
  )
  server.get('/v1/accounts/:account/balance', balance, async (request) => {
    const { account } = request.params
    await mustReach(office, keyOf(request), account)
    const found = await office.balance(account)
    if (!found) throw accountUnknown(account)
    return balanceJson(found)
  })
}

/** To a key of one account the first page begins with that account; those directly below follow. */
async function ownAccounts(
  office: Office,
  account: string,
  { cursor, limit }: { readonly cursor?: string; readonly limit: number },
): Promise<Page<AccountProfile>> {
  if (cursor !== undefined) return office.list({ parent: account, cursor, limit })
  const own = await office.get(account)
  const below = await office.list({ parent: account, limit: Math.max(limit - 1, 1) })
  return { ...below, items: [...(own ? [own] : []), ...below.items] }
}

function addTrunks(server: HttpServer, { office }: HttpParts): void {
  const put = operation(
    {
      id: 'putTrunks',
      summary: 'Sets how many channels an account rents.',
      description: 'Holds for the next call; a limit below what is in use ends nothing.',
      tag: 'Accounts',
      needs: 'accounts:write',
      answers: { 200: json(trunksSchema, 'The limits.') },
      problems: [404, 409, 422],
    },
    { params: accountParams, body: trunksBody },
  )
  server.put('/v1/accounts/:account/trunks', put, async (request) => {
    const { account } = request.params
    await mustReach(office, keyOf(request), account)
    return trunksJson(accepted(await office.patch(account, { trunks: request.body })).profile.trunks)
  })
}
