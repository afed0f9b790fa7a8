/** The reference: OpenAPI 3.1, made from the schemas that requests are held to. */
import swagger from '@fastify/swagger'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { webhookReference } from './events/event-reference.ts'
import { OPTIONAL_BODY } from './operation.ts'
import type { HttpServer } from './server-type.ts'

const description = `Prepaid call rating. Amounts are decimal text in the currency of the account, instants RFC 3339 in UTC,
durations whole seconds. Errors are RFC 9457 problem details. A refused call is not an error: it is 200 with
\`decision: "deny"\`.`

export async function addReference(server: HttpServer): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'tollgate', version: '1', description },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', bearerFormat: 'tg_<id>_<secret>', description: 'An API key.' },
        },
      },
    },
    transform: createJsonSchemaTransform({ zodToJsonConfig: wholeUnions }),
    transformObject: withUsedSchemas,
  })
}

/** Else forms of a union that are read and changed are left out. */
const wholeUnions = { override: () => undefined }

type Transform = ReturnType<typeof createJsonSchemaTransformObject>
type Document = ReturnType<Transform>
type Schemas = Readonly<Record<string, unknown>>

/**
 * Every named schema comes in two forms, as it is sent and as it is answered; those that nothing names are left out.
 * Answers may get new fields, so what is answered is not closed.
 */
function withUsedSchemas(input: Parameters<Transform>[0]): Document {
  const document = createJsonSchemaTransformObject({ zodToJsonConfig: wholeUnions })(input)
  if (!('components' in document) || !('paths' in document)) return document
  const schemas = document.components?.schemas ?? {}
  const used = namesUsed(document.paths, schemas)
  const kept = Object.entries(schemas).filter(([name]) => used.has(name))
  const components = { ...document.components, schemas: Object.fromEntries(kept) }
  return JSON.parse(JSON.stringify({ ...document, webhooks: webhookReference(), components }), tidied) as Document
}

/** Those that the paths name, and those that these name. */
function namesUsed(paths: unknown, schemas: Schemas): ReadonlySet<string> {
  const used = new Set<string>()
  const visit = (value: unknown): void => {
    for (const [, name = ''] of JSON.stringify(value ?? null).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (used.has(name)) continue
      used.add(name)
      visit(schemas[name])
    }
  }
  visit(paths)
  return used
}

/** Called for inner values first. */
function tidied(name: string, value: unknown): unknown {
  if (name === 'minimum' && value === Number.MIN_SAFE_INTEGER) return undefined
  if (name === 'maximum' && value === Number.MAX_SAFE_INTEGER) return undefined
  if (name === 'responses') return opened(value)
  if (isRecord(value) && OPTIONAL_BODY in value) return withOptionalBody(value)
  if (name === 'schemas' && isRecord(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, schema]) => [key, key.endsWith('Input') ? schema : opened(schema)]),
    )
  }
  return value
}

function withOptionalBody({ [OPTIONAL_BODY]: _, requestBody, ...rest }: Schemas): Schemas {
  return { ...rest, requestBody: { ...(isRecord(requestBody) ? requestBody : {}), required: false } }
}

function opened(value: unknown): unknown {
  const text = JSON.stringify(value)
  return JSON.parse(text, (name, inner: unknown) =>
    name === 'additionalProperties' && inner === false ? undefined : inner,
  )
}

function isRecord(value: unknown): value is Schemas {
  return typeof value === 'object' && value !== null
}
