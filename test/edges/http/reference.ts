/** Every answer in these tests is held to what the OpenAPI document says of it. */
import type { LightMyRequestResponse as Response } from 'fastify'
import { expect } from 'vitest'
import { z } from 'zod'
import type { HttpServer } from '../../../src/edges/http/server.ts'

export type Json = null | boolean | number | string | Json[] | { readonly [name: string]: Json }

export interface Operation {
  readonly operationId: string
  readonly security: Record<string, string[]>[]
  readonly requestBody?: { readonly required: boolean; readonly content: Record<string, { readonly schema: Json }> }
  readonly parameters?: { readonly name: string; readonly in: string; readonly required: boolean }[]
  readonly responses: Record<string, { readonly content: Record<string, { readonly schema: Json }> }>
}

export interface Reference {
  readonly openapi: string
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { readonly schemas: Record<string, Json>; readonly securitySchemes: Record<string, Json> }
}

function referenceOf(server: HttpServer): Reference {
  return server.swagger() as unknown as Reference
}

/** The path of the document and the operation that a request meets. */
function operationAt(reference: Reference, method: string, url: string): Operation | undefined {
  const path = url.split('?', 1)[0] ?? ''
  const literal = reference.paths[path]?.[method.toLowerCase()]
  if (literal) return literal
  const fits = Object.entries(reference.paths).find(
    ([template, operations]) =>
      method.toLowerCase() in operations && new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(path),
  )
  return fits?.[1][method.toLowerCase()]
}

/** A schema without references. */
function resolved(reference: Reference, schema: Json): Json {
  if (Array.isArray(schema)) return schema.map((each) => resolved(reference, each))
  if (typeof schema !== 'object' || schema === null) return schema
  const name = typeof schema['$ref'] === 'string' ? schema['$ref'].replace('#/components/schemas/', '') : undefined
  if (name !== undefined) return resolved(reference, reference.components.schemas[name] ?? false)
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, resolved(reference, value)]))
}

const compiled = new WeakMap<HttpServer, Map<string, z.ZodType>>()

export function heldToReference(
  server: HttpServer,
  { method, url, response }: { readonly method: string; readonly url: string; readonly response: Response },
): void {
  const reference = referenceOf(server)
  const operation = operationAt(reference, method, url)
  if (!operation) {
    expect([404, 405, 400]).toContain(response.statusCode)
    return
  }
  const described = operation.responses[String(response.statusCode)]
  expect(described, `${operation.operationId} may answer ${response.statusCode}`).toBeDefined()
  const type = String(response.headers['content-type']).split(';')[0] ?? ''
  const schema = described?.content[type]?.schema
  expect(schema, `${operation.operationId} may answer ${response.statusCode} as ${type}`).toBeDefined()
  if (!/\bjson$/.test(type)) return
  const known = compiled.get(server) ?? new Map<string, z.ZodType>()
  compiled.set(server, known)
  const key = `${operation.operationId} ${response.statusCode}`
  const check = known.get(key) ?? z.fromJSONSchema(resolved(reference, schema ?? true) as z.core.JSONSchema.JSONSchema)
  known.set(key, check)
  const result = check.safeParse(response.json())
  expect(result.error && z.prettifyError(result.error), `${key}: ${response.body}`).toBeUndefined()
}
