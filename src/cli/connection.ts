/** Where the daemon answers and with which key: from the same settings that the daemon reads. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Settings } from '../catalog/settings.ts'
import { CliFailure } from './context.ts'

export interface Connection {
  readonly url: string
  readonly key: string
}

export async function findConnection(settings: Settings): Promise<Connection> {
  return { url: daemonUrl(settings), key: settings.apiKey ?? (await keyInFolder(settings.dataDir)) }
}

/** A daemon that listens everywhere is asked on the loopback. */
export function daemonUrl({ http: { host, port } }: Settings): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`
  if (host === '::') return `http://[::1]:${port}`
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

const KEY_FILE = 'api-key'

/** The daemon writes one when no key was named to it. */
async function keyInFolder(dataDir: string): Promise<string> {
  const file = join(dataDir, KEY_FILE)
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch {
    throw new CliFailure(
      { code: 'key_missing', message: `no API key: TOLLGATE_API_KEY is not set and ${file} cannot be read` },
      {
        advice:
          'a daemon that runs without TOLLGATE_API_KEY writes that file; TOLLGATE_DATA_DIR says where its folder is',
      },
    )
  }
}
