/** Tariffs: versions are added, put in force and shown; they never change. */
import { z } from 'zod'
import { formatInstant } from '../../../base/time.ts'
import { id, page } from '../fields.ts'
import { json, operation } from '../operation.ts'
import { type Activation, type HttpParts, RATE_CURSOR, type TariffProblem, type VersionSummary } from '../parts.ts'
import { type FieldProblem, HttpProblem, jsonPointer } from '../problem.ts'
import type { HttpServer } from '../server-type.ts'
import { checked } from '../input.ts'
import { activateBody, readRates, tariffInvalid, versionBody, versionHead } from './tariff-bodies.ts'

/** A price book of millions of rows. */
const TARIFF_BYTES = 256 * 1024 * 1024

const nameParams = z.object({ name: id() })

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

const addedSchema = z.object({ name: z.string(), version: z.int(), rates: z.int(), sha256: z.string() })

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
  addChanging(server, parts)
  addReading(server, parts)
}

function addChanging(server: HttpServer, { tariffs }: HttpParts): void {
  const words = { tag: 'Tariffs', needs: 'tariffs:write', wholeInstallation: true } as const
  const add = operation(
    {
      id: 'addTariffVersion',
      summary: 'Adds a version of a tariff.',
      answers: { 201: json(addedSchema, 'Added. The same content again is the same version.') },
      problems: [422],
      ...words,
    },
    { params: nameParams, body: versionBody },
  )
  const options = { bodyLimit: TARIFF_BYTES, validatorCompiler: rowsLater }
  server.post('/v1/tariffs/:name/versions', { ...add, ...options }, async (request, reply) => {
    const { name } = checked(nameParams, request.params, 'path')
    const { rates, ...head } = checked(versionHead, request.body)
    const answer = await tariffs.addVersion(name, { ...head, rates: await readRates(rates) })
    if (answer.kind === 'invalid') throw tariffInvalid(answer.problems.map(fieldProblem))
    const { version, sha256 } = answer
    return reply.code(201).send({ name, version, rates: answer.rates, sha256 })
  })

  const activate = operation(
    {
      id: 'activateTariffVersion',
      summary: 'Puts a version in force, now or later, on every daemon.',
      description: 'Calls in progress keep their version.',
      answers: { 200: json(activationSchema.extend({ name: z.string() }), 'From when it is in force.') },
      problems: [404],
      ...words,
    },
    { params: versionParams, body: activateBody },
  )
  server.post('/v1/tariffs/:name/versions/:version/activate', activate, async (request) => {
    const { name, version } = request.params
    const activation = await tariffs.activate(name, version, request.body?.at)
    if (!activation) throw tariffUnknown(name, version)
    return { name, ...activationJson(activation) }
  })
}

/** A price book is checked by its handler, which lets other requests have their turn. */
function rowsLater() {
  return (value: unknown) => ({ value })
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

function tariffUnknown(name: string, version?: number): HttpProblem {
  const which = version === undefined ? `tariff "${name}"` : `version ${version} of a tariff "${name}"`
  return new HttpProblem('tariff_unknown', `there is no ${which}`)
}

/** "bands[0].from" of row 2 is "/rates/2/bands/0/from". */
function fieldProblem({ index, field, message }: TariffProblem): FieldProblem {
  const path = field.split(/[.[\]]+/).filter((part) => part !== '')
  const pointer = jsonPointer(index === undefined ? path : ['rates', index, ...path])
  return { pointer, message, code: 'value' }
}
