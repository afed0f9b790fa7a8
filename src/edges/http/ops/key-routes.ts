/** API keys. A key makes keys that may do no more than itself. */
import { z } from 'zod'
import { EVERY_SCOPE, type KeyIdentity, type KeyInput, type KeyRecord, scopes } from '../../../accounts/api-keys.ts'
import { formatInstant } from '../../../base/time.ts'
import { mayReach, mustReach } from '../access.ts'
import { keyOf } from '../auth.ts'
import { id, instantText, label, unique } from '../fields.ts'
import { badField } from '../input.ts'
import { json, operation } from '../operation.ts'
import type { HttpParts } from '../parts.ts'
import { HttpProblem } from '../problem.ts'
import type { HttpServer } from '../server-type.ts'

const keyBody = z.strictObject({
  scopes: unique(z.array(z.enum([...scopes, EVERY_SCOPE])).min(1)),
  name: label().exactOptional().describe('What people call it.'),
  account: id().exactOptional().describe('The key sees this account and those below it only.'),
  expiresAt: instantText().exactOptional(),
})

const keyParams = z.object({ key: z.string().regex(/^[A-Za-z0-9]{1,64}$/, 'must be the id of a key') })

const instant = z.string().describe('RFC 3339, UTC.')

const keySchema = z
  .object({
    id: z.string(),
    scopes: z.array(z.string()),
    name: z.string().optional(),
    account: z.string().optional(),
    createdAt: instant,
    expiresAt: instant.optional(),
    revokedAt: instant.optional(),
  })
  .meta({ id: 'Key' })

const madeSchema = keySchema.extend({ key: z.string().describe('The whole key, shown this once.') })

export function addKeyRoutes(server: HttpServer, parts: HttpParts): void {
  const { keys, office, clock } = parts
  const words = { tag: 'Keys', needs: 'keys:write' } as const
  const create = operation(
    {
      id: 'createKey',
      summary: 'Makes an API key.',
      answers: { 201: json(madeSchema, 'Made.') },
      problems: [404],
      ...words,
    },
    { body: keyBody },
  )
  server.post('/v1/keys', create, async (request, reply) => {
    const maker = keyOf(request)
    const input = keyInput(maker, request.body, clock.nowMs())
    if (input.account !== undefined) await mustReach(office, maker, input.account)
    const { text, record } = await keys.create(input)
    return reply.code(201).send({ ...keyJson(record), key: text })
  })

  const list = operation(
    {
      id: 'listKeys',
      summary: 'Every API key, without its secret.',
      answers: { 200: json(keyList(), 'The keys.') },
      ...words,
    },
    {},
  )
  server.get('/v1/keys', list, async (request) => {
    const asking = keyOf(request)
    return { items: (await visibleKeys(parts, asking)).map(keyJson) }
  })

  const revoke = operation(
    {
      id: 'revokeKey',
      summary: 'Revokes an API key, for good.',
      answers: { 200: json(z.object({ id: z.string(), revoked: z.literal(true) }), 'Revoked.') },
      problems: [404],
      ...words,
    },
    { params: keyParams },
  )
  server.delete('/v1/keys/:key', revoke, async (request) => {
    const { key } = request.params
    const asking = keyOf(request)
    const known = asking.account === undefined || (await visibleKeys(parts, asking)).some((record) => record.id === key)
    if (!known || !(await keys.revoke(key))) throw new HttpProblem('key_id_unknown', `there is no key "${key}"`)
    return { id: key, revoked: true }
  })
}

function keyList() {
  return z.object({ items: z.array(keySchema) })
}

function keyInput(maker: KeyIdentity, body: z.output<typeof keyBody>, nowMs: number): KeyInput {
  const { expiresAt, ...rest } = body
  const beyond = body.scopes.findIndex((scope) => !mayGive(maker, scope))
  if (beyond >= 0) throw badField(`/scopes/${beyond}`, 'is more than this key may do')
  if (expiresAt !== undefined && expiresAt <= nowMs) throw badField('/expiresAt', 'must be in the future')
  return {
    ...rest,
    ...(maker.account !== undefined && rest.account === undefined ? { account: maker.account } : {}),
    ...(expiresAt === undefined ? {} : { expiresAtMs: expiresAt }),
  }
}

function mayGive({ scopes: owned }: KeyIdentity, scope: string): boolean {
  return owned.includes(EVERY_SCOPE) || owned.includes(scope)
}

/** A key of one account sees the keys of that account and of those below it. */
async function visibleKeys({ keys, office }: HttpParts, asking: KeyIdentity): Promise<readonly KeyRecord[]> {
  const every = await keys.list()
  if (asking.account === undefined) return every
  const seen = await Promise.all(
    every.map(async ({ account }) => account !== undefined && (await mayReach(office, asking, account))),
  )
  return every.filter((_, place) => seen[place])
}

function keyJson({ id: key, scopes: owned, name, account, createdAtMs, expiresAtMs, revokedAtMs }: KeyRecord) {
  return {
    id: key,
    scopes: [...owned],
    ...(name === undefined ? {} : { name }),
    ...(account === undefined ? {} : { account }),
    createdAt: formatInstant(createdAtMs),
    ...(expiresAtMs === undefined ? {} : { expiresAt: formatInstant(expiresAtMs) }),
    ...(revokedAtMs === undefined ? {} : { revokedAt: formatInstant(revokedAtMs) }),
  }
}
