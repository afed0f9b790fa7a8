/** `tollgate config`: the config folder, without a daemon. */
import type { Command } from 'commander'
import { jsonSchemas } from '../../catalog/json-schema.ts'
import { loadCatalog } from '../../catalog/load.ts'
import { formatProblem } from '../../catalog/problems.ts'
import type { Cli } from '../cli.ts'
import { exitCodes, usageFailure } from '../context.ts'

export function addConfigCommands(program: Command, cli: Cli): void {
  const config = program.command('config').description('The config folder.')
  config
    .command('check')
    .description('Checks every file of it as a start would; needs no daemon.')
    .action(() => check(cli))
  config
    .command('schema')
    .description('JSON Schema of a file of it, for editors; without a name, all of them.')
    .argument('[file]', 'settings, accounts, trunks or tariff')
    .action((file: string | undefined) => {
      schema(cli, file)
    })
}

async function check(cli: Cli): Promise<void> {
  const loaded = await loadCatalog(cli.context.source)
  if (loaded.kind === 'loaded') {
    const { settings, accounts, tariffs } = loaded.catalog
    const { warnings } = loaded
    const answer = { ok: true, configDir: settings.configDir, problems: [], warnings }
    return cli.print(answer, () =>
      [
        ...warnings.map((warning) => `warning: ${formatProblem(warning)}`),
        `${settings.configDir}: good, ${tariffs.size} tariffs and ${accounts.length} accounts`,
      ].join('\n'),
    )
  }
  const { problems, truncated } = loaded
  cli.endWith(exitCodes.failed)
  cli.print({ ok: false, problems, truncated, warnings: [] }, () =>
    [...problems.map(formatProblem), ...(truncated ? ['… and more'] : [])].join('\n'),
  )
}

/** People say "settings"; the file is called tollgate.yaml. */
const NAMES: Readonly<Record<string, string>> = { settings: 'tollgate.json' }

function schema(cli: Cli, file: string | undefined): void {
  const schemas = jsonSchemas()
  if (file === undefined) {
    const all = Object.fromEntries([...schemas].map(([name, text]) => [nameOf(name), JSON.parse(text) as unknown]))
    cli.print(all, () => JSON.stringify(all, undefined, 2))
    return
  }
  const text = schemas.get(NAMES[file] ?? `${file}.json`)
  if (text === undefined)
    throw usageFailure(`there is no schema "${file}": say ${[...schemas.keys()].map(nameOf).join(', ')}`)
  cli.context.out(text)
}

function nameOf(file: string): string {
  const known = Object.entries(NAMES).find(([, name]) => name === file)
  return known ? known[0] : file.replace(/\.json$/, '')
}
