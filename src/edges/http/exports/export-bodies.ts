/** Exports as they are asked for and shown. */
import { z } from 'zod'
import { formatInstant } from '../../../base/time.ts'
import { type Export, exportContents, exportFormats } from '../../../exports/export.ts'
import { usageGroups } from '../../../usage/usage-row.ts'
import { direction, id, label } from '../fields.ts'
import { range } from '../range.ts'

const EXPORT = /^[0-9a-f]{32}$/

export const exportParams = z.object({
  account: id(),
  export: z.string().regex(EXPORT, 'must be the id of an export'),
})

const order = {
  content: z.enum(exportContents).default('cdrs').describe('What is exported.'),
  format: z.enum(exportFormats).default('csv'),
  includeDescendants: z.boolean().default(false).describe('With the accounts below it.'),
  by: z.enum(usageGroups).default('day').describe('Of usage: what is summed up.'),
  heading: z.boolean().default(true).describe('Rows before the titles say what the table is of.'),
}

export const exportBody = z.strictObject({
  ...order,
  ...range,
  direction: direction().exactOptional().describe('Of CDRs: only these.'),
  user: label(64).exactOptional().describe('Of CDRs: only of this user.'),
})

export const exportSchema = z
  .object({
    id: z.string(),
    account: z.string(),
    state: z.enum(['queued', 'running', 'done', 'failed']),
    content: z.enum(exportContents),
    format: z.enum(exportFormats),
    from: z.string().describe('First instant.'),
    until: z.string().describe('The first instant that is not included.'),
    timezone: z.string(),
    includeDescendants: z.boolean(),
    direction: z.string().optional(),
    user: z.string().optional(),
    rows: z.int().describe('Written so far.'),
    progress: z.int().describe('In thousandths.'),
    createdAt: z.string(),
    expiresAt: z.string().describe('When it is gone, with its file.'),
    bytes: z.int().optional().describe('Of the file, when it is done.'),
    href: z.string().optional().describe('Where the file is, when it is done.'),
    reason: z.string().optional().describe('Why the last attempt failed.'),
  })
  .meta({ id: 'Export' })

export function exportJson(made: Export): z.infer<typeof exportSchema> {
  const { order: asked, state, rows, progress, bytes, reason } = made
  const { account, content, format, timezone, includeDescendants, user } = asked
  const href = `/v1/accounts/${account}/exports/${made.id}/file`
  return {
    ...{ id: made.id, account, state, content, format, timezone, includeDescendants, rows, progress },
    from: formatInstant(asked.fromMs),
    until: formatInstant(asked.untilMs),
    ...(asked.direction === undefined ? {} : { direction: asked.direction }),
    ...(user === undefined ? {} : { user }),
    createdAt: formatInstant(made.createdAtMs),
    expiresAt: formatInstant(made.expiresAtMs),
    ...(bytes === undefined ? {} : { bytes, href }),
    ...(reason === undefined ? {} : { reason }),
  }
}
