/** A new version of a tariff: as one JSON body, or as lines of JSON that are read as they come. */
import { Readable } from 'node:stream'
import { z } from 'zod'
import { checked } from '../input.ts'
import { json, operation } from '../operation.ts'
import type { HttpParts, TariffInput, TariffProblem } from '../parts.ts'
import { type FieldProblem, jsonPointer } from '../problem.ts'
import type { HttpServer } from '../server-type.ts'
import { LINES_TYPE, readJsonLines } from '../wire/json-lines.ts'
import { firstLine, readRates, tariffInvalid, versionBody, versionHead } from './tariff-bodies.ts'
import { nameParams } from './tariff-routes.ts'

/** A price book of millions of rows; as lines none of it is held but its rates. */
const TARIFF_BYTES = 256 * 1024 * 1024
const LINES_BYTES = 1024 * 1024 * 1024

const addedSchema = z.object({ name: z.string(), version: z.int(), rates: z.int(), sha256: z.string() })

/** In a scope of its own, which reads lines where others do not. */
export function addVersionUpload(server: HttpServer, { tariffs }: HttpParts): void {
  const words = { tag: 'Tariffs', needs: 'tariffs:write', wholeInstallation: true } as const
  server.addContentTypeParser(LINES_TYPE, (_request, payload, done) => done(null, payload))
  const add = operation(
    {
      id: 'addTariffVersion',
      summary: 'Adds a version of a tariff.',
      answers: { 201: json(addedSchema, 'Added. The same content again is the same version.') },
      problems: [422],
      consumes: ['application/json', LINES_TYPE],
      description:
        'A price book that is too long for one text comes as lines of JSON: what is beside `rates`, then every rate.',
      ...words,
    },
    { params: nameParams, body: versionBody },
  )
  const options = { bodyLimit: TARIFF_BYTES, validatorCompiler: rowsLater }
  server.post('/v1/tariffs/:name/versions', { ...add, ...options }, async (request, reply) => {
    const { name } = checked(nameParams, request.params, 'path')
    const answer = await tariffs.addVersion(name, await readVersion(request.body))
    if (answer.kind === 'invalid') throw tariffInvalid(answer.problems.map(fieldProblem))
    const { version, sha256 } = answer
    return reply.code(201).send({ name, version, rates: answer.rates, sha256 })
  })
}

/** A price book is checked by its handler, which lets other requests have their turn. */
function rowsLater() {
  return (value: unknown) => ({ value })
}

async function readVersion(body: unknown): Promise<TariffInput> {
  if (!(body instanceof Readable)) {
    const { rates, ...head } = checked(versionHead, body)
    return { ...head, rates: await readRates(rates) }
  }
  const lines = readJsonLines(body, LINES_BYTES)
  const first = await lines.next()
  const head = checked(firstLine, first.done === true ? undefined : first.value)
  return { ...head, rates: await readRates(lines) }
}

/** "bands[0].from" of row 2 is "/rates/2/bands/0/from". */
function fieldProblem({ index, field, message }: TariffProblem): FieldProblem {
  const path = field.split(/[.[\]]+/).filter((part) => part !== '')
  const pointer = jsonPointer(index === undefined ? path : ['rates', index, ...path])
  return { pointer, message, code: 'value' }
}
