/** `tollgate keys`: who may use the API. */
import type { Command } from 'commander'
import * as answers from '../answers.ts'
import { id, instantText, words } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { fields, instant } from '../text.ts'

interface CreateOptions {
  readonly scopes: readonly string[]
  readonly name?: string
  readonly account?: string
  readonly expiresAt?: string
}

export function addKeyCommands(program: Command, cli: Cli): void {
  const keys = program.command('keys').description('API keys.')
  keys
    .command('create')
    .description('Makes an API key; it is shown this once.')
    .requiredOption('--scopes <list>', 'what it may do, separated by commas; "*" is everything', words)
    .option('--name <text>', 'what people call it')
    .option('--account <account>', 'it sees this account and those below it only', id)
    .option('--expires-at <instant>', 'when it ends', instantText)
    .action((options: CreateOptions) => create(cli, options))
  keys
    .command('revoke')
    .description('Ends a key, for good.')
    .argument('<id>', 'its id: tg_<id>_…', id)
    .action(async (key: string) => {
      const { raw } = await (await cli.api()).delete(`/v1/keys/${key}`, answers.anything)
      cli.print(raw, () => `Revoked ${key}.`)
    })
  keys
    .command('list')
    .description('Every key, without its secret.')
    .action(() => list(cli))
}

async function create(cli: Cli, body: CreateOptions): Promise<void> {
  const { value, raw } = await (await cli.api()).post('/v1/keys', answers.madeKey, { body })
  cli.print(raw, () =>
    fields([
      ['key', value.key],
      ['id', value.id],
      ['scopes', value.scopes.join(', ')],
      ['account', value.account],
      ['ends', instant(value.expiresAt)],
    ]),
  )
  if (!cli.isJson()) cli.note('Keep it now: it is not shown again.')
}

async function list(cli: Cli): Promise<void> {
  const { value, raw } = await (await cli.api()).get('/v1/keys', answers.pageOf(answers.key))
  const items = (raw as { readonly items: readonly unknown[] }).items
  cli.printList({ rows: value.items, raw: items, none: 'No keys.' }, [
    { title: 'ID', cell: (row) => row.id },
    { title: 'NAME', cell: (row) => row.name },
    { title: 'SCOPES', cell: (row) => row.scopes.join(' ') },
    { title: 'ACCOUNT', cell: (row) => row.account },
    { title: 'MADE', cell: (row) => instant(row.createdAt) },
    { title: 'ENDS', cell: (row) => instant(row.expiresAt) },
    { title: 'REVOKED', cell: (row) => instant(row.revokedAt) },
  ])
}
