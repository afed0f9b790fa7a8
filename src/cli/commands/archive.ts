/** `tollgate archive`: what is kept for ever, and a store built anew from it. */
import type { Command } from 'commander'
import * as answers from '../answers.ts'
import type { Cli } from '../cli.ts'
import { verifyBooks } from './audit.ts'

export function addArchiveCommands(program: Command, cli: Cli): void {
  const archive = program.command('archive').description('What is kept for ever.')
  archive
    .command('status')
    .description('What is archived, and how far it is behind the store.')
    .action(() => status(cli))
  archive
    .command('verify')
    .description('Replays the archived journal and holds the balances and the CDRs against it; fails when they drift.')
    .action(() => verifyBooks(cli, '/v1/archive/verify'))
  archive
    .command('restore')
    .description('Builds an empty store anew from the archive; no daemon may run on it.')
    .action(() => restore(cli))
  archive
    .command('adopt')
    .description('Makes the database that the settings name the archive of the store, instead of the one that it has.')
    .action(() => adopt(cli))
  archive
    .command('move')
    .description(
      'Copies the archive in the data folder into the empty database that the settings name; no daemon may run.',
    )
    .action(() => move(cli))
}

async function move(cli: Cli): Promise<void> {
  const { moveEmbeddedArchive } = await import('../../app/archive-upkeep.ts')
  const rows = await moveEmbeddedArchive(cli.context.source)
  cli.print(
    { rows },
    () => `${rows} rows are in the database now; what is in the data folder stays, and is used no more.`,
  )
}

async function status(cli: Cli): Promise<void> {
  const api = await cli.api()
  const { value, raw } = await api.get('/v1/archive', answers.archive)
  cli.print(raw, () => {
    const { kind, entries, behind, cdrs, accounts, lost } = value
    const where = kind === 'embedded' ? 'in the data folder' : 'in PostgreSQL'
    const lines = [
      `${entries} journal entries, ${cdrs} CDRs and ${accounts} accounts are archived ${where}.`,
      behind === 0 ? 'Nothing waits.' : `${behind} entries wait to be archived.`,
    ]
    if (lost > 0) lines.push(`${lost} entries and CDRs were archived and are lost to the store (table "lost").`)
    return lines.join('\n')
  })
}

/** Loads the store only here: the other commands ask a daemon. */
async function restore(cli: Cli): Promise<void> {
  const { restoreStore } = await import('../../app/archive-upkeep.ts')
  const { source, clock } = cli.context
  const rebuilt = await restoreStore(source, clock)
  cli.print(rebuilt, () => {
    const { accounts, entries, cdrs, released } = rebuilt
    return [
      `${accounts} accounts, ${entries} journal entries and ${cdrs} CDRs are back.`,
      `${released} calls that were up were released.`,
    ].join('\n')
  })
}

async function adopt(cli: Cli): Promise<void> {
  const { adoptArchive } = await import('../../app/archive-upkeep.ts')
  const { source, clock } = cli.context
  await adoptArchive(source, clock)
  cli.print(
    { adopted: true },
    () => 'The store has this archive from now on; entries and CDRs that left the store are in the old one.',
  )
}
