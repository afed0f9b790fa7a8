/** The daemon as a process: starts, says where it is, obeys signals, drains, ends. */
import { pathToFileURL } from 'node:url'
import { type App, createApp } from './app.ts'
import { Fault } from './base/fault.ts'
import { type ConfigSource, processSource } from './catalog/settings.ts'

/** Stopping waits for requests under way, and never longer than this. */
const STOP_WITHIN_MS = 5_000

/** Runs until a signal or a bug ends it; answers with the exit code. */
export async function runDaemon(source: ConfigSource = processSource()): Promise<number> {
  const app = await open(source)
  if (!app) return 1
  process.stdout.write(greeting(app))
  process.on('SIGHUP', () => {
    app.reload().catch((error: unknown) => app.log.error({ err: error }, 'the configuration could not be reloaded'))
  })
  const code = await Promise.race([signalled(), app.broken.then((bug) => brokenBy(bug, app))])
  app.log.info('stopping: requests under way are finished, calls go on')
  const stopped = await Promise.race([app.stop().then(() => true), late()])
  if (!stopped) app.log.warn(`not everything stopped within ${STOP_WITHIN_MS} ms`)
  return code
}

async function open(source: ConfigSource): Promise<App | undefined> {
  try {
    return await createApp(source)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    process.stderr.write(`tollgate cannot start: ${error.message}\n`)
    return undefined
  }
}

function greeting({ url, keyPath }: App): string {
  const key = keyPath === undefined ? 'the key in TOLLGATE_API_KEY' : `the key in ${keyPath}`
  const shown = keyPath === undefined ? '$TOLLGATE_API_KEY' : `$(cat ${keyPath})`
  return [
    `tollgate answers at ${url} with ${key}. Try:`,
    `  curl -s -H "Authorization: Bearer ${shown}" ${url}/v1/accounts/demo/balance`,
    `  ./scripts/tollgate call quote demo +13105550123`,
    '',
  ].join('\n')
}

/** The second signal does not wait any more. */
function signalled(): Promise<number> {
  return new Promise((resolve) => {
    let asked = false
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1)
        asked = true
        resolve(0)
      })
    }
  })
}

function brokenBy(bug: Error, { log }: App): number {
  log.fatal({ err: bug }, 'a promise of our own code was broken: the process ends')
  return 1
}

function late(): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), STOP_WITHIN_MS).unref())
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exit(await runDaemon())
}
