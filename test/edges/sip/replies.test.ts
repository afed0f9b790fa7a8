/** docs/integrations/drachtio.md says of each of our own refusals what is answered. */
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { ownReplies } from '../../../src/edges/sip/replies.ts'

it('the guide lists the codes of refusals without a decision, each with its status', async () => {
  const guide = await readFile(new URL('../../../docs/integrations/drachtio.md', import.meta.url), 'utf8')
  const rows = [...guide.matchAll(/^\| `([a-z_]+)`\s*\| (\d{3})\s*\|/gm)].map(([, code, status]) => [
    code,
    Number(status),
  ])
  const replies = Object.entries(ownReplies).map(([code, { status }]) => [code, status])
  expect(rows.toSorted()).toEqual(replies.toSorted())
})
