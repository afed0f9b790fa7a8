/** What payment providers tell us, and the books held against theirs. */
import { z } from 'zod'
import { id, instantText } from '../fields.ts'
import { json, operation } from '../operation.ts'
import type { HttpParts } from '../parts.ts'
import { HttpProblem } from '../problem.ts'
import type { HttpServer } from '../server-type.ts'
import { reconciledJson, reconciledSchema } from './payment-json.ts'

const RECONCILED_MS = 48 * 3_600_000

const WEBHOOK_BYTES = 256 * 1024

const heardSchema = z.object({ received: z.literal(true) })

/** In a scope whose bodies are bytes: the signature is of them. */
export function addProviderWebhook(server: HttpServer, { payments }: HttpParts): void {
  const hear = operation(
    {
      id: 'hearProvider',
      summary: 'Takes the signed webhooks of a payment provider.',
      tag: 'Payments',
      needs: 'no key',
      answers: { 200: json(heardSchema, 'Taken.') },
      problems: [404, 413],
    },
    { params: z.object({ provider: id() }) },
  )
  const route = { ...hear, bodyLimit: WEBHOOK_BYTES }
  server.post('/v1/payments/webhooks/:provider', route, async (request) => {
    const { provider } = request.params
    const body = request.body instanceof Uint8Array ? request.body : new Uint8Array()
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    const heard = await payments.hear(provider, { body, headers })
    if (heard === undefined) throw new HttpProblem('not_found', 'there is no such payment provider here')
    if (!heard) throw new HttpProblem('signature_invalid', 'the signature is not that of the provider')
    return { received: true as const }
  })
}

export function addReconcileRoute(server: HttpServer, { payments, clock }: HttpParts): void {
  const reconcile = operation(
    {
      id: 'reconcilePayments',
      summary: "Holds the books against the provider's charges.",
      description:
        'What was charged and not credited is credited; what is none of ours, or does not agree, is told and not moved.',
      tag: 'Payments',
      needs: 'audit:read',
      wholeInstallation: true,
      answers: { 200: json(reconciledSchema, 'What was found.') },
    },
    { body: z.strictObject({ since: instantText().exactOptional().describe('48 hours ago when absent.') }).optional() },
  )
  server.post('/v1/payments/reconcile', reconcile, async (request) =>
    reconciledJson(await payments.reconcile(request.body?.since ?? clock.nowMs() - RECONCILED_MS)),
  )
}
