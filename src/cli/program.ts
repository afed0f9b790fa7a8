/** The command line: every command, the options they share, and the exit code. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { Cli } from './cli.ts'
import { addAccountCommands } from './commands/account.ts'
import { addArchiveCommands } from './commands/archive.ts'
import { addAuditCommands } from './commands/audit.ts'
import { addMinuteCommands } from './commands/bundle.ts'
import { addCallCommands } from './commands/call.ts'
import { addConfigCommands } from './commands/config.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addJobCommands } from './commands/jobs.ts'
import { addKeyCommands } from './commands/keys.ts'
import { addMoneyCommands } from './commands/money.ts'
import { addReceiptCommands } from './commands/receipt.ts'
import { addPaymentCommands } from './commands/payments.ts'
import { addRechargeCommands } from './commands/recharge.ts'
import { addTariffCommands } from './commands/tariff.ts'
import { addUsageCommands } from './commands/usage.ts'
import { addStatementCommands } from './commands/statement.ts'
import { addStorageCommands } from './commands/storage.ts'
import { addWebhookCommands } from './commands/webhook.ts'
import type { CliContext, ExitCode } from './context.ts'
import { tell } from './problems.ts'

const EXIT_CODES = `
Exit codes: 0 done, 1 failed, 2 usage, 3 refused by policy.
Settings are those of the daemon: TOLLGATE_HTTP_PORT, TOLLGATE_DATA_DIR, TOLLGATE_CONFIG_DIR, TOLLGATE_API_KEY.`

/** Runs one command; resolves with the exit code of the process. */
export async function runCli(words: readonly string[], context: CliContext): Promise<number> {
  const isJson = (): boolean => words.includes('--json')
  let daemonCode: number | undefined
  const { program, cli } = commandLine({
    ...context,
    isJson,
    served: (code) => {
      daemonCode = code
    },
  })
  try {
    await program.parseAsync(words, { from: 'user' })
    return daemonCode ?? cli.exitCode
  } catch (error) {
    return toldAs(error, { context, isJson })
  }
}

export interface CommandLineParts extends CliContext {
  readonly isJson: () => boolean
  /** Told the exit code of a daemon that ran. */
  readonly served: (code: number) => void
}

/** Every command, ready to be parsed or looked at. */
export function commandLine(parts: CommandLineParts): { readonly program: Command; readonly cli: Cli } {
  const { isJson, served, ...context } = parts
  const program = programFor(context, isJson)
  const cli = new Cli(context, isJson)
  program
    .command('serve')
    .description('Runs the daemon in the foreground.')
    .action(async () => {
      served(await context.serve(context.source))
    })
  for (const add of nouns) add(program, cli)
  return { program, cli }
}

const nouns = [
  addAccountCommands,
  addMoneyCommands,
  addReceiptCommands,
  addPaymentCommands,
  addMinuteCommands,
  addRechargeCommands,
  addCallCommands,
  addTariffCommands,
  addUsageCommands,
  addStatementCommands,
  addStorageCommands,
  addConfigCommands,
  addKeyCommands,
  addWebhookCommands,
  addJobCommands,
  addAuditCommands,
  addArchiveCommands,
  addDoctorCommand,
] as const

interface Telling {
  readonly context: CliContext
  readonly isJson: () => boolean
}

function toldAs(error: unknown, { context, isJson }: Telling): ExitCode {
  const { exitCode, text } = tell(error, isJson())
  if (text !== '') context.err(text)
  return exitCode
}

function programFor(context: CliContext, isJson: () => boolean): Command {
  return new Command('tollgate')
    .description('Prepaid call rating at the edge.')
    .version(version(), '--version', 'shows the version')
    .helpOption('-h, --help', 'shows this help')
    .helpCommand('help [command]', 'shows the help of a command')
    .option('--json', 'answers and errors as JSON')
    .addHelpText('after', EXIT_CODES)
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: context.out,
      writeErr: context.err,
      getOutHasColors: () => context.colour,
      getErrHasColors: () => false,
      outputError: (text, write) => {
        write(isJson() ? `${JSON.stringify({ code: 'usage', detail: plain(text) }, undefined, 2)}\n` : text)
      },
    })
}

function plain(text: string): string {
  return text.replace(/^error: /, '').trim()
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
