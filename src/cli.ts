/** The command line as a process: its words, its environment, its terminal. */
import { randomUUID } from 'node:crypto'
import type { ConfigSource } from './catalog/settings.ts'
import { runCli } from './cli/program.ts'

/** Loaded only to serve: a command that asks the daemon needs none of it. */
async function serve(source: ConfigSource): Promise<number> {
  const { runDaemon } = await import('./main.ts')
  return runDaemon(source)
}

// A reader that has seen enough, such as `head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

const code = await runCli(process.argv.slice(2), {
  source: { env: process.env, cwd: process.cwd() },
  clock: { nowMs: () => Date.now() },
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  colour: process.stdout.isTTY && !process.env['NO_COLOR'],
  terminal: process.stderr.isTTY,
  ids: randomUUID,
  serve,
})

// What was written is out before the process ends; the daemon may have left waits behind that would keep it.
process.stdout.write('', () => process.exit(code))
