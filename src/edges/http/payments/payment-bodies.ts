/** Cards, orders and refunds as callers send them. */
import { z } from 'zod'
import type { Goods } from '../../../payments/goods.ts'
import { id, label, positiveAmount, whole } from '../fields.ts'

const CARD_NUMBER = /^[\d -]{12,30}$/

/** What a provider's own form gave. A card number has no place here, and is refused before anything is done with it. */
function token() {
  return z
    .string()
    .min(1)
    .max(255)
    .refine((text) => !CARD_NUMBER.test(text), "must be the token of the provider's form, never a card number")
    .regex(/^[\x21-\x7e]+$/, 'must be printable characters without spaces')
    .describe("What the provider's form gave.")
}

function email() {
  return z.email('must be a mail address').max(254)
}

const contact = z
  .strictObject({
    name: label().exactOptional(),
    email: email().exactOptional(),
    phone: label(32).exactOptional(),
    address: label(500).exactOptional(),
  })
  .describe('Whom to ask about its bills.')

export const cardBody = z.strictObject({
  token: token().exactOptional().describe("What the provider's form gave; absent asks for what such a form needs."),
  contact: contact.exactOptional(),
  recurring: z.boolean().default(false).describe('It pays what recurs from now on.'),
})

export const cardPatchBody = z.strictObject({
  contact: contact.exactOptional(),
  recurring: z.literal(true).exactOptional().describe('It pays what recurs from now on.'),
})

const buyer = email().describe('Staff member who buys, and who gets the receipt.')

const goods = {
  kind: z.enum(['credit', 'bundle', 'dialer']),
  amount: positiveAmount().exactOptional().describe('Of credit or dialer minutes; at least the minimum purchase.'),
  bundles: whole(1, 100_000).exactOptional().describe('Of minutes; whole bundles.'),
  recurring: z.boolean().exactOptional().describe('Of bundles: bought again with each cycle, unless it is false.'),
}

interface GoodsWords {
  readonly kind: Goods['kind']
  readonly amount?: bigint
  readonly bundles?: number
  readonly recurring?: boolean
}

const GOODS_ERROR = 'must have an amount for credit and dialer, or bundles for bundle'

function isWhole({ kind, amount, bundles, recurring }: GoodsWords): boolean {
  return kind === 'bundle'
    ? bundles !== undefined && amount === undefined
    : amount !== undefined && bundles === undefined && recurring === undefined
}

export const orderBody = z
  .strictObject({ ...goods, buyer: buyer.exactOptional() })
  .refine(isWhole, { error: GOODS_ERROR, path: ['kind'] })

const payer = {
  card: id().exactOptional().describe('Card on file; absent is the one for what recurs.'),
  token: token().exactOptional().describe('Of a new card, which is put on file.'),
  buyer: buyer.exactOptional(),
}

export const confirmBody = z.strictObject(payer)

export const purchaseBody = z
  .strictObject({ ...goods, ...payer })
  .refine(isWhole, { error: GOODS_ERROR, path: ['kind'] })

export const refundBody = z.strictObject({
  amount: positiveAmount().exactOptional().describe('All that is left when absent.'),
})

export function goodsOf({ kind, amount = 0n, bundles = 0, recurring = true }: GoodsWords): Goods {
  return kind === 'bundle' ? { kind, bundles, recurring } : { kind, amount }
}

export const stopBody = z
  .strictObject({ bundles: id().exactOptional().describe('Those of one purchase; all of them when absent.') })
  .optional()
