/** docs/cli.md: the words about all commands, and each of them as it describes itself. */
import type { Argument, Command, Option } from 'commander'
import { commandLine } from '../../src/cli/program.ts'

const INTRODUCTION = `# Command line

<!-- Made from the commands in src/cli; \`vitest run test/cli -u\` writes it anew. -->

\`tollgate <noun> <verb>\`; in a checkout \`./scripts/tollgate\`. \`serve\` is the daemon; commands that read or change live
things ask a daemon that runs, by its HTTP API; \`config\`, \`tariff check\` and \`doctor\` work without one.

## Which daemon, with which key

The commands read the same settings as the daemon: \`tollgate.yaml\` in \`TOLLGATE_CONFIG_DIR\`, then the environment. So
\`TOLLGATE_HTTP_PORT\` (or \`http.port\`) says where the daemon is. The key is \`TOLLGATE_API_KEY\`; without it the key that the
daemon wrote into its data folder (\`TOLLGATE_DATA_DIR\`, the file \`api-key\`, readable by its user only). A key needs the
scope of what is asked: see [api.md](api.md).

## Output

Answers go to standard output: tables and fields for people, which may change from version to version; with \`--json\` what the
API answered, which changes only compatibly. A list is \`{ "items": [...] }\` of all pages. Whatever else there is to say goes to
standard error, also errors: a line \`tollgate: <code>: <sentence>\` and one for each field at fault, or with \`--json\`
\`{ "code", "detail", "errors"?, "advice"? }\`. Amounts are decimal text, instants RFC 3339 in UTC, lengths seconds.
Colour is used on a terminal only, and not when \`NO_COLOR\` is set.

| exit code | means |
|---|---|
| 0 | done |
| 1 | failed: no daemon, no such account, a check that fails, books that drift |
| 2 | usage: an unknown option, a word that cannot be one, input that the daemon cannot read |
| 3 | refused by policy: a call that is denied, an amount below the minimum, credit that is not there |

## Money is asked for once

\`credit add\` and \`pool add\` send an Idempotency-Key. \`credit add\` makes one unless \`--key\` names it, and says which: when an
answer is lost, the same command with the same \`--key\` adds nothing twice, for ever. Scripts give a key of their own, such
as the number of the invoice.

\`\`\`sh
tollgate account create acme --name 'Acme Inc.' --currency USD --tariff standard
tollgate credit add acme 25.00 --key invoice-1001 --reason 'bank transfer'
tollgate trunks set acme --outbound 5
tollgate call quote acme +13105550123 --json | jq -r .price
tollgate call authorize acme +13105550123; [ $? -eq 3 ] && echo denied
\`\`\`

## Tariffs from files

A file is a \`.yaml\` head, as in the config folder, or a carrier's deck: CSV, TSV or XLSX as it came ([deck-formats.md](deck-formats.md)).
\`tariff import --dry-run\` and \`tariff diff\` compare rate by rate: \`new\`, \`closed\`, \`up\`, \`down\`, \`terms\` (another increment, fee
or band at the same price of a minute), \`unchanged\`. What looks like a mistake is refused with 3 unless \`--limit\` or \`--force\` allows it.

## Calls as a sheet

\`usage export\` has the daemon make CSV, XLSX or lines of JSON in the background ([exports.md](exports.md)), shows how far it is, and
fetches the file; a download that breaks off goes on where it stopped. With \`--output\` the file is there whole or not at all.

## Doctor

\`doctor\` examines the machine (Node, open files, time zones), the settings, the data folder (rights, space, the key file),
the store (version, eviction, file on disk, role, clock; of a cluster each master, and that none is lost), the edges (which
cannot be called back, which do not answer) and the daemon. It changes and starts nothing. \`warn\` is for a person to think about; a \`fail\` ends with 1.

## Commands
`

export function cliReference(): string {
  const { program } = commandLine({
    source: { env: {}, cwd: '/' },
    clock: { nowMs: () => 0 },
    out: () => undefined,
    err: () => undefined,
    colour: false,
    ids: () => '',
    serve: () => Promise.resolve(0),
    isJson: () => false,
    served: () => undefined,
  })
  const leaves = program.commands.flatMap((noun) => leavesOf(noun, 'tollgate'))
  const shared = program.options.map(optionRow)
  const options = `Every command takes these too:\n\n${table(['option', 'means'], shared)}\n`
  return `${INTRODUCTION}\n${options}\n${leaves.join('\n')}`
}

function leavesOf(command: Command, above: string): readonly string[] {
  const name = `${above} ${command.name()}`
  if (command.commands.length > 0) return command.commands.flatMap((below) => leavesOf(below, name))
  const words = command.registeredArguments.map(argumentText)
  const rows = [
    ...command.registeredArguments.map((argument) => [`\`${argumentText(argument)}\``, argument.description]),
    ...command.options.map(optionRow),
  ]
  const head = `### \`${[name, ...words].join(' ')}\`\n\n${command.description()}\n`
  return [rows.length === 0 ? head : `${head}\n${table(['word', 'means'], rows)}\n`]
}

function argumentText(argument: Argument): string {
  const name = argument.variadic ? `${argument.name()}...` : argument.name()
  return argument.required ? `<${name}>` : `[${name}]`
}

function optionRow(option: Option): readonly string[] {
  const notes = [
    option.description,
    ...(option.mandatory ? ['must be given'] : []),
    ...(option.defaultValue === undefined || option.defaultValue === ''
      ? []
      : [`default ${String(option.defaultValue)}`]),
  ]
  return [`\`${option.flags}\``, notes.join('; ')]
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(titles), `|${titles.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}
