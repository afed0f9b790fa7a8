/** `tollgate doctor`: is everything as it must be for money? */
import type { Command } from 'commander'
import { type Check, examine } from '../../app/doctor.ts'
import type { Cli } from '../cli.ts'
import { daemonUrl } from '../connection.ts'
import { exitCodes } from '../context.ts'
import { printable, styled } from '../text.ts'

export function addDoctorCommand(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .description(
      'Examines the machine, the settings, the store and the edges; changes nothing. Fails when a check fails.',
    )
    .action(() => doctor(cli))
}

async function doctor(cli: Cli): Promise<void> {
  const checks = [...(await examine(cli.context.source, cli.context.clock)), ...(await examineDaemon(cli))]
  const ok = checks.every(({ status }) => status !== 'fail')
  if (!ok) cli.endWith(exitCodes.failed)
  cli.print({ ok, checks }, () => checks.map((check) => checkText(check, cli.context.colour)).join('\n'))
}

const READY_MS = 3_000

/** A daemon that does not run is no fault of the machine; one that runs and is not ready is. */
async function examineDaemon(cli: Cli): Promise<readonly Check[]> {
  const read = await cli.readSettings()
  if (read.kind === 'invalid') return []
  const url = daemonUrl(read.settings)
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(READY_MS) })
    if (response.ok) return [{ what: 'daemon', status: 'ok', detail: `it is ready at ${url}` }]
    const why = (await response.text()).slice(0, 300)
    return [{ what: 'daemon', status: 'fail', detail: `it answers at ${url} and is not ready: ${why}` }]
  } catch {
    return [{ what: 'daemon', status: 'warn', detail: `none answers at ${url}` }]
  }
}

const STYLES = { ok: 'green', warn: 'yellow', fail: 'red' } as const

function checkText({ what, status, detail }: Check, colour: boolean): string {
  const word = status.padEnd(4)
  return `${colour ? styled(STYLES[status], word) : word}  ${printable(what).padEnd(14)}  ${printable(detail)}`
}
