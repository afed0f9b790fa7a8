/** Lists are answered a page at a time; a cursor says where the next one begins. */
import { z } from 'zod'
import type { Page } from '../../accounts/office.ts'

export const DEFAULT_PAGE = 50
export const MAX_PAGE = 500

export function pageSchema(item: z.ZodType) {
  return z.object({
    items: z.array(item),
    nextCursor: z.string().optional().describe('Absent on the last page.'),
  })
}

export function pageOf<Item, Json>({ items, nextCursor }: Page<Item>, toJson: (item: Item) => Json) {
  return { items: items.map(toJson), ...(nextCursor === undefined ? {} : { nextCursor }) }
}
