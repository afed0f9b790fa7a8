/** `tollgate webhook`: where events are sent to. */
import type { Command } from 'commander'
import { anything, pageOf } from '../answers.ts'
import * as answers from '../event-answers.ts'
import { id, instantText, whole, words } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../context.ts'
import { fields, instant } from '../text.ts'

const MAX_OLD_SECONDS = 30 * 86_400
const DEFAULT_DELIVERIES = 20
const MAX_DELIVERIES = 1_000

interface AddOptions {
  readonly types?: readonly string[]
  readonly account?: string
  readonly description?: string
}

export function addWebhookCommands(program: Command, cli: Cli): void {
  const webhook = program.command('webhook').description('Where events are sent to.')
  webhook
    .command('add')
    .description('Has events sent to a URL; the secret that signs them is shown this once.')
    .argument('<url>', 'such as https://example.com/hook')
    .option('--types <list>', 'types of events, separated by commas; all of them unless given', words)
    .option('--account <account>', 'events of this account and those below it only', id)
    .option('--description <text>', 'what people call it')
    .action((url: string, options: AddOptions) => add(cli, { url, ...options }))
  webhook
    .command('list')
    .description('Every webhook, without its secrets.')
    .action(() => list(cli))
  webhook
    .command('enable')
    .description('Sends to a webhook again, whatever disabled it.')
    .argument('<webhook>', 'its id', id)
    .action((name: string) => change(cli, name, false))
  webhook
    .command('disable')
    .description('Sends nothing more to a webhook until it is enabled.')
    .argument('<webhook>', 'its id', id)
    .action((name: string) => change(cli, name, true))
  webhook
    .command('remove')
    .description('Takes a webhook away, with what is yet to be delivered.')
    .argument('<webhook>', 'its id', id)
    .action(async (name: string) => {
      const { raw } = await (await cli.api()).delete(`/v1/webhooks/${name}`, anything)
      cli.print(raw, () => `Removed ${name}.`)
    })
  webhook
    .command('rotate')
    .description('Gives a webhook a new secret; the one before signs as well for a while.')
    .argument('<webhook>', 'its id', id)
    .option('--old-seconds <seconds>', 'for how long; a day unless given', whole(0, MAX_OLD_SECONDS))
    .action((name: string, { oldSeconds }: { readonly oldSeconds?: number }) => rotate(cli, name, oldSeconds))
  addDeliveryCommands(webhook, cli)
}

function addDeliveryCommands(webhook: Command, cli: Cli): void {
  webhook
    .command('test')
    .description('Sends a message of the type webhook.test, once and now.')
    .argument('<webhook>', 'its id', id)
    .action((name: string) => test(cli, name))
  webhook
    .command('deliveries')
    .description('The newest attempts to deliver to a webhook, newest first.')
    .argument('<webhook>', 'its id', id)
    .option('--limit <count>', 'at most so many', whole(1, MAX_DELIVERIES), DEFAULT_DELIVERIES)
    .action((name: string, { limit }: { readonly limit: number }) => deliveries(cli, name, limit))
  webhook
    .command('replay')
    .description('Delivers the events since an instant again, also those that were delivered.')
    .argument('<webhook>', 'its id', id)
    .requiredOption('--since <instant>', 'such as 2026-11-23T12:00:00Z', instantText)
    .action(async (name: string, body: { readonly since: string }) => {
      const api = await cli.api()
      const { value, raw } = await api.post(`/v1/webhooks/${name}/replay`, answers.replayed, { body })
      cli.print(raw, () => `${value.events} events are on their way.`)
    })
}

async function add(cli: Cli, body: AddOptions & { readonly url: string }): Promise<void> {
  const { value, raw } = await (await cli.api()).post('/v1/webhooks', answers.keyedWebhook, { body })
  showKeyed(cli, value, raw)
}

async function rotate(cli: Cli, name: string, oldSeconds: number | undefined): Promise<void> {
  const body = oldSeconds === undefined ? {} : { oldSeconds }
  const api = await cli.api()
  const { value, raw } = await api.post(`/v1/webhooks/${name}/rotate`, answers.keyedWebhook, { body })
  showKeyed(cli, value, raw)
}

interface Keyed {
  readonly id: string
  readonly secret: string
  readonly url: string
}

function showKeyed(cli: Cli, { secret, id: name, url }: Keyed, raw: unknown): void {
  cli.print(raw, () =>
    fields([
      ['webhook', name],
      ['url', url],
      ['secret', secret],
    ]),
  )
  if (!cli.isJson()) cli.note('Keep the secret now: it is not shown again.')
}

async function list(cli: Cli): Promise<void> {
  const { value, raw } = await (await cli.api()).get('/v1/webhooks', pageOf(answers.webhook))
  const items = (raw as { readonly items: readonly unknown[] }).items
  cli.printList({ rows: value.items, raw: items, none: 'No webhooks.' }, [
    { title: 'ID', cell: (row) => row.id },
    { title: 'URL', cell: (row) => row.url },
    { title: 'TYPES', cell: (row) => row.types.join(' ') || 'all' },
    { title: 'ACCOUNT', cell: (row) => row.account },
    { title: 'CALLED', cell: (row) => row.description },
    { title: 'DISABLED', cell: (row) => row.disabled?.reason },
    { title: 'FAILING SINCE', cell: (row) => instant(row.failingSince) },
  ])
}

async function change(cli: Cli, name: string, disabled: boolean): Promise<void> {
  const api = await cli.api()
  const { raw } = await api.send('PATCH', `/v1/webhooks/${name}`, { schema: answers.webhook, body: { disabled } })
  cli.print(raw, () => `${disabled ? 'Disabled' : 'Enabled'} ${name}.`)
}

async function test(cli: Cli, name: string): Promise<void> {
  const { value, raw } = await (await cli.api()).post(`/v1/webhooks/${name}/test`, answers.testedWebhook)
  const { delivered, status, why, tookMs } = value
  cli.print(raw, () => {
    const end = status === undefined ? `failed: ${why ?? ''}` : `answered ${status}`
    return `${delivered ? 'Delivered' : 'Not delivered'}: it ${end} after ${tookMs} ms.`
  })
  if (!delivered) cli.endWith(exitCodes.failed)
}

async function deliveries(cli: Cli, name: string, limit: number): Promise<void> {
  const api = await cli.api()
  const path = `/v1/webhooks/${name}/deliveries`
  const { rows, raw } = await api.list(path, pageOf(answers.delivery), { limit })
  cli.printList({ rows, raw, none: 'Nothing was delivered yet.' }, [
    { title: 'AT', cell: (row) => instant(row.at) },
    { title: 'EVENT', cell: (row) => row.event },
    { title: 'TYPE', cell: (row) => row.type },
    { title: 'TRY', cell: (row) => row.attempt, right: true },
    { title: 'OUTCOME', cell: (row) => row.outcome },
    { title: 'STATUS', cell: (row) => row.status, right: true },
    { title: 'WHY', cell: (row) => row.why },
    { title: 'MS', cell: (row) => row.tookMs, right: true },
  ])
}
