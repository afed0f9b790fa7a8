import { afterAll, beforeAll, expect, it } from 'vitest'
import { openRig, type Rig } from './fake-daemon.ts'
import { type Json, type Operation, type Reference } from './reference.ts'

let rig: Rig
let reference: Reference
beforeAll(async () => {
  rig = await openRig()
  reference = (await rig.ask({ url: '/openapi.json' })).json()
})
afterAll(() => rig.server.close())

/** The contract, with the names of its places left out. */
const contract = `
POST /v1/calls/authorize
POST /v1/calls/events
POST /v1/calls/extend
GET /v1/calls
GET /v1/calls/{}
POST /v1/calls/{}/end
POST /v1/quotes
PUT /v1/accounts/{}
GET /v1/accounts/{}
PATCH /v1/accounts/{}
GET /v1/accounts
GET /v1/accounts/{}/balance
POST /v1/accounts/{}/credits
POST /v1/accounts/{}/debits
PUT /v1/accounts/{}/trunks
GET /v1/accounts/{}/receipts
GET /v1/accounts/{}/receipts/{}
POST /v1/accounts/{}/receipts/{}/resend
POST /v1/accounts/{}/pools
PATCH /v1/accounts/{}/pools/{}
GET /v1/accounts/{}/transactions
GET /v1/accounts/{}/cdrs
GET /v1/accounts/{}/usage
GET /v1/accounts/{}/usage/changes
POST /v1/accounts/{}/usage/rerate
GET /v1/accounts/{}/statement
GET /v1/accounts/{}/statements
PUT /v1/accounts/{}/storage/{}
GET /v1/accounts/{}/storage
POST /v1/accounts/{}/exports
GET /v1/accounts/{}/exports
GET /v1/accounts/{}/exports/{}
GET /v1/accounts/{}/exports/{}/file
DELETE /v1/accounts/{}/exports/{}
POST /v1/accounts/{}/payment-methods
GET /v1/accounts/{}/payment-methods
PATCH /v1/accounts/{}/payment-methods/{}
DELETE /v1/accounts/{}/payment-methods/{}
POST /v1/accounts/{}/orders
POST /v1/accounts/{}/orders/{}/confirm
GET /v1/accounts/{}/bundles
POST /v1/accounts/{}/bundles/renew
POST /v1/accounts/{}/bundles/stop
GET /v1/accounts/{}/payments
POST /v1/accounts/{}/payments
GET /v1/accounts/{}/payments/{}
POST /v1/accounts/{}/payments/{}/refund
GET /v1/accounts/{}/recharge
POST /v1/accounts/{}/recharge/pause
POST /v1/accounts/{}/recharge/resume
POST /v1/accounts/{}/recharge/run
POST /v1/payments/reconcile
POST /v1/payments/webhooks/{}
POST /v1/tariffs/{}/versions
POST /v1/tariffs/{}/versions/{}/activate
GET /v1/tariffs
GET /v1/tariffs/{}/versions
GET /v1/tariffs/{}/versions/{}
GET /v1/tariffs/{}/versions/{}/rates
POST /v1/keys
GET /v1/keys
DELETE /v1/keys/{}
POST /v1/webhooks
GET /v1/webhooks
GET /v1/webhooks/{}
PATCH /v1/webhooks/{}
DELETE /v1/webhooks/{}
POST /v1/webhooks/{}/rotate
POST /v1/webhooks/{}/test
GET /v1/webhooks/{}/deliveries
POST /v1/webhooks/{}/replay
GET /v1/events
GET /v1/jobs
POST /v1/jobs/{}/{}/retry
POST /v1/audit/verify
GET /v1/archive
POST /v1/archive/verify
GET /openapi.json
GET /metrics
GET /livez
GET /readyz
GET /startupz
`

function operations(): { readonly name: string; readonly path: string; readonly operation: Operation }[] {
  return Object.entries(reference.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, '{}')}`,
      path,
      operation,
    })),
  )
}

it('is OpenAPI 3.1 and has every operation of the contract, and no other', () => {
  expect(reference.openapi).toMatch(/^3\.1\.\d$/)
  expect(
    operations()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(contract.trim().split('\n').sort())
})

it('gives each operation an id of its own, a summary and a tag', () => {
  const ids = operations().map(({ operation }) => operation.operationId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { operation } of operations()) {
    expect(operation).toMatchObject({
      summary: expect.stringMatching(/./) as string,
      tags: [expect.stringMatching(/./)],
    })
  }
})

it('asks for a key everywhere but for health and webhooks that are signed', () => {
  expect(reference.components.securitySchemes['apiKey']).toMatchObject({ type: 'http', scheme: 'bearer' })
  for (const { path, operation } of operations()) {
    const needsKey = !['/livez', '/readyz', '/startupz', '/v1/payments/webhooks/{provider}'].includes(path)
    expect(operation.security.length, path).toBe(needsKey ? 1 : 0)
    expect('401' in operation.responses, path).toBe(needsKey)
    expect('403' in operation.responses, path).toBe(needsKey && path !== '/openapi.json')
  }
})

it('describes errors as problems, and the answers of each operation', () => {
  for (const { name, operation } of operations()) {
    expect(
      Object.keys(operation.responses).some((status) => status.startsWith('2')),
      name,
    ).toBe(true)
    for (const [status, { content }] of Object.entries(operation.responses)) {
      if (Number(status) < 400 || /z$/.test(name)) continue
      expect(content, `${name} ${status}`).toEqual({
        'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
      })
    }
  }
})

it('names each place of a path among the parameters', () => {
  for (const { path, operation } of operations()) {
    const places = [...path.matchAll(/\{(\w+)\}/g)].map(([, place]) => place)
    const named = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
    expect(named.map(({ name }) => name).sort(), path).toEqual(places.sort())
    expect(named.every(({ required }) => required)).toBe(true)
  }
})

it('asks for an Idempotency-Key of every operation that posts money', () => {
  const asking = operations().filter(({ operation }) =>
    operation.parameters?.some(
      ({ name, in: place, required }) => name === 'idempotency-key' && place === 'header' && required,
    ),
  )
  expect(asking.map(({ name }) => name)).toEqual([
    'POST /v1/accounts/{}/credits',
    'POST /v1/accounts/{}/debits',
    'POST /v1/accounts/{}/payment-methods',
    'POST /v1/accounts/{}/orders/{}/confirm',
    'POST /v1/accounts/{}/payments',
    'POST /v1/accounts/{}/payments/{}/refund',
  ])
})

it('says that the call path takes forms and answers text', () => {
  for (const path of ['/v1/calls/authorize', '/v1/calls/events', '/v1/calls/extend']) {
    const operation = reference.paths[path]?.['post']
    expect(Object.keys(operation?.requestBody?.content ?? {})).toEqual([
      'application/json',
      'application/x-www-form-urlencoded',
    ])
    expect(Object.keys(operation?.responses['200']?.content ?? {})).toEqual(['application/json', 'text/plain'])
  }
})

it('says which bodies may be left out', () => {
  const optional = operations().filter(({ operation }) => operation.requestBody?.required === false)
  expect(optional.map(({ name }) => name)).toEqual([
    'POST /v1/calls/{}/end',
    'POST /v1/accounts/{}/bundles/stop',
    'POST /v1/payments/reconcile',
    'POST /v1/tariffs/{}/versions/{}/activate',
    'POST /v1/webhooks/{}/rotate',
    'POST /v1/webhooks/{}/test',
    'POST /v1/jobs/{}/{}/retry',
    'POST /v1/audit/verify',
    'POST /v1/archive/verify',
  ])
})

function every(value: Json, found: (name: string, value: Json) => void): void {
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) {
    found(name, inner)
    every(inner, found)
  }
}

it('has nothing that it names and does not say, nor the other way round', () => {
  const named = new Set<string>()
  every(reference as unknown as Json, (name, value) => {
    if (name === '$ref') named.add(JSON.stringify(value).slice(1, -1).replace('#/components/schemas/', ''))
  })
  expect([...named].sort()).toEqual(Object.keys(reference.components.schemas).sort())
})

it('holds no trace of how it was made', () => {
  const text = JSON.stringify(reference)
  expect(text).not.toMatch(/PLACEHOLDER|x-optional|9007199254740991|\$defs/)
})

it('refuses unknown fields where they are refused, and keeps answers open', () => {
  const closed: string[] = []
  for (const { name, operation } of operations()) {
    every(operation.requestBody ?? null, (key, value) => {
      if (key === 'additionalProperties' && value === false) closed.push(name)
    })
    expect(JSON.stringify(operation.responses)).not.toContain('"additionalProperties":false')
  }
  expect(closed).toContain('PUT /v1/accounts/{}')
  expect(closed).toContain('POST /v1/accounts/{}/credits')
  expect(closed.filter((name) => name.startsWith('POST /v1/calls/') && !name.includes('{}'))).toEqual([])
})
