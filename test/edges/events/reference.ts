/** docs/events.md: the words about all events, and each of them as the catalogue has it. */
import { z } from 'zod'
import { catalogue } from '../../../src/edges/events/catalogue.ts'
import { eventTypes } from '../../../src/events/event.ts'

const INTRODUCTION = `# Events

<!-- Made from the catalogue in src/edges/events; \`vitest run test/edges/events -u\` writes it anew. -->

What happens to an account is told by webhook ([webhooks.md](webhooks.md)), by the stream \`GET /v1/events\`, and by mail where
somebody is to read it. All of them say the same: a type, when it happened, and \`data\` with the account and the fields below.
Amounts are decimal text in the currency of the account, instants RFC 3339 in UTC. New types and new fields may come: pass over
what you do not know.

An event is written by the same step that makes it true, so there is none without its cause and no cause without it. It is told
**at least once**: the same event always has the same id (\`webhook-id\`, or \`id\` in the stream), and may come twice, above all
after a daemon died. Events of one account mostly come in their order, but order is not promised: go by \`timestamp\`.

## The stream

\`\`\`sh
curl -N -H "Authorization: Bearer $KEY" 'http://127.0.0.1:8484/v1/events?account=acme&types=balance.low,call.ended'
\`\`\`

answers with server-sent events: \`id\` is the place in the stream, \`event\` the type, \`data\` the JSON of the webhook with
the id of the event beside. A client that lost its connection sends the last \`id\` as \`Last-Event-ID\` and misses nothing, as
far back as \`events.kept\` events are kept. A comment every 15 seconds says that the daemon is there. A key needs the scope
\`events:read\`; one with an account hears of that account and those below it. Once the key is revoked, the stream ends. A
daemon has \`events.streams\` clients at once and answers others with 503.

\`call.ended\` is made of the CDR of a call, and only while somebody listens: a webhook that asks for it (or for everything), or a
client of the stream. What ended before is in the CDRs.

## The types
`

export function eventReference(): string {
  return [INTRODUCTION, ...eventTypes.map(section)].join('\n')
}

function section(type: (typeof eventTypes)[number]): string {
  const { says, data } = catalogue[type]
  const { properties = {}, required = [] } = z.toJSONSchema(data, { io: 'output' })
  const rows = Object.entries(properties).map(([name, schema]) => {
    const { type = '', description = '' } = typeof schema === 'object' ? schema : {}
    const form = String(type)
    return `| \`${name}\` | ${WORDS[form] ?? form}${required.includes(name) ? '' : ', may be absent'} | ${description} |`
  })
  return `### \`${type}\`\n\n${says}\n\n| field | form | means |\n|---|---|---|\n${rows.join('\n')}\n`
}

const WORDS: Readonly<Record<string, string>> = { string: 'text', integer: 'whole number', array: 'list' }
