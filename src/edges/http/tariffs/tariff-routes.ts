/** Tariffs: versions are added, put in force and shown; they never change. */
import { Readable } from 'node:stream'
import { z } from 'zod'
import { formatInstant } from '../../../base/time.ts'
import { id, page } from '../fields.ts'
import { json, operation } from '../operation.ts'
import {
  type Activation,
  type ActivationAnswer,
  type HttpParts,
  RATE_CURSOR,
  type VersionRates,
  type VersionSummary,
} from '../parts.ts'
import { type FieldProblem, HttpProblem } from '../problem.ts'
import type { HttpServer } from '../server-type.ts'
import { LINES_TYPE } from '../wire/json-lines.ts'
import { activateBody } from './tariff-bodies.ts'

export const nameParams = z.object({ name: id() })

const versionParams = z.object({ name: id(), version: z.coerce.number().int().min(1).max(1_000_000_000) })

const showQuery = z.strictObject({
  prefix: z
    .string()
    .trim()
    .regex(/^\+?\d{1,15}$/, 'must be 1 to 15 digits, with or without "+"')
    .transform((text) => text.replace('+', ''))
    .exactOptional()
    .describe('Only rates whose prefix begins so.'),
  ...page(RATE_CURSOR),
})

const instant = z.string().describe('RFC 3339, UTC.')
const activationSchema = z.object({ version: z.int(), from: instant })

const summarySchema = z.object({
  name: z.string(),
  currency: z.string(),
  versions: z.int(),
  active: z.int().optional().describe('The version in force now.'),
})

const versionSchema = z
  .object({
    version: z.int(),
    rates: z.int(),
    sha256: z.string(),
    currency: z.string(),
    createdAt: instant,
    activations: z.array(activationSchema).describe('When it is or was put in force.'),
  })
  .meta({ id: 'TariffVersion' })

const viewSchema = versionSchema.extend({
  name: z.string(),
  timezone: z.string(),
  rounding: z.object({ decimals: z.int(), mode: z.enum(['half_up', 'up', 'down']) }),
  items: z.array(z.looseObject({ prefix: z.string(), perMinute: z.string() })),
  nextCursor: z.string().optional(),
})

export function addTariffRoutes(server: HttpServer, parts: HttpParts): void {
  addActivating(server, parts)
  addReading(server, parts)
  addExport(server, parts)
}

function addActivating(server: HttpServer, { tariffs }: HttpParts): void {
  const words = { tag: 'Tariffs', needs: 'tariffs:write', wholeInstallation: true } as const
  const activate = operation(
    {
      id: 'activateTariffVersion',
      summary: 'Puts a version in force, now or later, on every daemon.',
      description:
        'Calls in progress keep their version. Where `limit` is there, if only as `{}`, what looks like a mistake against the ' +
        'version that it follows is 409 `guard_rails`, and `errors` names the limits at `/limit/…`.',
      answers: { 200: json(activationSchema.extend({ name: z.string() }), 'From when it is in force.') },
      problems: [404, 409],
      ...words,
    },
    { params: versionParams, body: activateBody },
  )
  server.post('/v1/tariffs/:name/versions/:version/activate', activate, async (request) => {
    const { name, version } = request.params
    const { at, ...guarding } = request.body ?? {}
    const answer = await tariffs.activate(name, version, { ...guarding, ...(at === undefined ? {} : { atMs: at }) })
    if (!answer) throw tariffUnknown(name, version)
    if (answer.kind === 'refused') throw guardRails(answer)
    return { name, ...activationJson(answer) }
  })
}

function addReading(server: HttpServer, { tariffs }: HttpParts): void {
  const words = { tag: 'Tariffs', needs: 'tariffs:read', wholeInstallation: true } as const
  const list = operation(
    {
      id: 'listTariffs',
      summary: 'Every tariff.',
      answers: { 200: json(listOf(summarySchema), 'The tariffs.') },
      ...words,
    },
    {},
  )
  server.get('/v1/tariffs', list, async () => ({ items: await tariffs.list() }))

  const versions = operation(
    {
      id: 'listTariffVersions',
      summary: 'The versions of a tariff.',
      answers: { 200: json(listOf(versionSchema), 'The versions.') },
      problems: [404],
      ...words,
    },
    { params: nameParams },
  )
  server.get('/v1/tariffs/:name/versions', versions, async (request) => {
    const { name } = request.params
    const found = await tariffs.versions(name)
    if (!found) throw tariffUnknown(name)
    return { items: found.map(versionJson) }
  })

  const show = operation(
    {
      id: 'showTariffVersion',
      summary: 'A version and its rates, a page at a time.',
      answers: { 200: json(viewSchema, 'The version.') },
      problems: [404],
      ...words,
    },
    { params: versionParams, querystring: showQuery },
  )
  server.get('/v1/tariffs/:name/versions/:version', show, async (request) => {
    const { name, version } = request.params
    const view = await tariffs.show({ name, version, ...request.query })
    if (!view) throw tariffUnknown(name, version)
    const { timezone, rounding, items, nextCursor } = view
    return {
      name,
      ...versionJson(view),
      timezone,
      rounding,
      items,
      ...(nextCursor === undefined ? {} : { nextCursor }),
    }
  })
}

/** Pages of a large price book cost more the further they are; this is all of it, once through. */
function addExport(server: HttpServer, { tariffs }: HttpParts): void {
  const rates = operation(
    {
      id: 'exportTariffVersion',
      summary: 'A version as lines of JSON: its head, then every rate.',
      description: 'What is sent back as a new version is the same version.',
      tag: 'Tariffs',
      needs: 'tariffs:read',
      wholeInstallation: true,
      answers: {
        200: { description: 'The head, then the rates.', content: { [LINES_TYPE]: { schema: z.string() } } },
      },
      problems: [404],
    },
    { params: versionParams },
  )
  server.get('/v1/tariffs/:name/versions/:version/rates', rates, async (request, reply) => {
    const { name, version } = request.params
    const found = await tariffs.rates(name, version)
    if (!found) throw tariffUnknown(name, version)
    return reply.type(LINES_TYPE).send(Readable.from(linesOf(found)))
  })
}

async function* linesOf({ head, parts }: VersionRates): AsyncGenerator<string> {
  yield `${JSON.stringify(head)}\n`
  for await (const part of parts) yield part.map((rate) => `${JSON.stringify(rate, unpriced)}\n`).join('')
}

/** A blocked rate has no price, which is left out as it may be when it is sent. */
function unpriced(name: string, value: unknown): unknown {
  return name === 'perMinute' && value === '' ? undefined : value
}

function listOf(item: z.ZodType) {
  return z.object({ items: z.array(item) })
}

function versionJson({ version, rates, sha256, currency, createdAtMs, activations }: VersionSummary) {
  const createdAt = formatInstant(createdAtMs)
  return { version, rates, sha256, currency, createdAt, activations: activations.map(activationJson) }
}

function activationJson({ version, fromMs }: Activation): z.infer<typeof activationSchema> {
  return { version, from: formatInstant(fromMs) }
}

function guardRails({ against, guards }: Extract<ActivationAnswer, { kind: 'refused' }>): HttpProblem {
  const errors = guards.map(({ limit, message, examples }): FieldProblem => {
    const more = examples.length > 0 ? ` (${examples.join('; ')})` : ''
    return { pointer: `/limit/${limit}`, message: `${message}${more}`, code: 'range' }
  })
  const named = guards.map(({ limit }) => limit).join(', ')
  return new HttpProblem('guard_rails', `against version ${against} this looks like a mistake: ${named}`, { errors })
}

function tariffUnknown(name: string, version?: number): HttpProblem {
  const which = version === undefined ? `tariff "${name}"` : `version ${version} of a tariff "${name}"`
  return new HttpProblem('tariff_unknown', `there is no ${which}`)
}
