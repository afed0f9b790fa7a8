/** `tollgate audit`: the books held against the journal. */
import type { Command } from 'commander'
import * as answers from '../answers.ts'
import { instantText } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../context.ts'
import { reconciled } from '../payment-answers.ts'
import { printable } from '../text.ts'

/** Every entry is read. */
const AUDIT_MS = 3_600_000

export function addAuditCommands(program: Command, cli: Cli): void {
  const audit = program.command('audit').description('The books.')
  audit
    .command('payments')
    .description("Holds the books against the payment provider's charges; fails when they do not agree.")
    .option('--since <instant>', 'charges from then on; else of the last 48 hours', instantText)
    .action((options: { readonly since?: string }) => payments(cli, options))
  audit
    .command('verify')
    .description('Replays the journal and holds the balances against it; fails when they drift.')
    .action(() => verifyBooks(cli, '/v1/audit/verify'))
}

async function payments(cli: Cli, body: { readonly since?: string }): Promise<void> {
  const api = await cli.api()
  const sending = { body, deadlineMs: AUDIT_MS }
  const { value, raw } = await api.post('/v1/payments/reconcile', reconciled, sending)
  const { provider, charges, sums, disagreements } = value
  if (disagreements.length > 0) cli.endWith(exitCodes.failed)
  cli.print(raw, () =>
    [
      `${charges} charges of ${provider}; ${disagreements.length} do not agree with the books.`,
      ...sums.map(({ currency, charged, credited }) => `  ${currency}: charged ${charged}, credited ${credited}`),
      ...disagreements.map((what) => `  ${printable(JSON.stringify(what))}`),
    ].join('\n'),
  )
}

/** Prints what a check of the books found, and fails when that is not nothing. */
export async function verifyBooks(cli: Cli, path: string): Promise<void> {
  const api = await cli.api()
  const { value, raw } = await api.post(path, answers.audit, { body: {}, deadlineMs: AUDIT_MS })
  const { ok, entries, checkpointed, problems } = value
  const replayed = `${entries} entries replayed${checkpointed > 0 ? ` after ${checkpointed} in checkpoints` : ''}`
  if (!ok) cli.endWith(exitCodes.failed)
  cli.print(raw, () =>
    ok
      ? `Good: ${replayed}, every balance is what they say.`
      : [
          `${replayed}; ${problems.length} balances are not what they say:`,
          ...problems.map((line) => `  ${printable(line)}`),
        ].join('\n'),
  )
}
