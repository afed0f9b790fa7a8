/** The settings of payments: the provider, and what is sold for how much. */
import { z } from 'zod'
import { currency, httpUrl, positiveAmount } from './fields.ts'

export const payments = z
  .strictObject({
    provider: z
      .enum(['sandbox', 'stripe'])
      .default('sandbox')
      .meta({ restart: true, description: 'Who charges cards; the sandbox moves no money.' }),
    stripe: z
      .strictObject({
        secretKey: cardSecret(/^[rs]k_\w+$/, 'must be a secret key of Stripe').meta({
          secret: true,
          description: 'Secret or restricted key.',
        }),
        webhookSecret: cardSecret(/^whsec_\S+$/, 'must be the signing secret of a webhook').meta({
          secret: true,
          description: 'Signs what Stripe sends to /v1/payments/webhooks/stripe.',
        }),
        apiUrl: httpUrl().optional().describe('Where its API is, where it is not at Stripe.'),
      })
      .optional()
      .meta({ restart: true, description: 'The account at Stripe.' }),
    bundle: z
      .strictObject({
        minutes: z.int().min(1).max(100_000).default(100).describe('Minutes of one bundle.'),
        prices: z
          .record(currency(), positiveAmount())
          .default({})
          .describe('Price of one bundle, by currency; minutes are not sold in others.'),
      })
      .prefault({})
      .describe('Minutes that are bought for a cycle.'),
    dialer: z
      .strictObject({
        prices: z
          .record(currency(), positiveAmount())
          .default({})
          .describe('Price of one minute, by currency; dialer minutes are not sold in others.'),
      })
      .prefault({})
      .describe('Dialer minutes, which are bought by an amount of money and stay.'),
  })
  .prefault({})
  .describe('Cards and what is bought with them.')
  .superRefine(({ provider, stripe }, context) => {
    if (provider === 'stripe' && !stripe) {
      context.addIssue({ code: 'custom', path: ['stripe'], message: 'must be there when the provider is stripe' })
    }
  })

function cardSecret(prefix: RegExp, error: string) {
  return z.string().regex(prefix, error)
}
