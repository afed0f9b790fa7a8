/** The key that opens everything: named by the environment, or made once and kept in the data folder. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeyIdentity } from '../edges/http/parts.ts'

export interface BootstrapKey {
  /** Where it can be read; absent when the environment named it. */
  readonly path?: string
  /** Who it is when the text is the key. */
  verify(text: string): KeyIdentity | undefined
}

const FILE = 'api-key'

export async function bootstrapKey(named: string | undefined, dataDir: string): Promise<BootstrapKey> {
  if (named !== undefined) return keyOf(named)
  const path = join(dataDir, FILE)
  return keyOf(await readOrMake(path), path)
}

function keyOf(text: string, path?: string): BootstrapKey {
  const wanted = sha256(text)
  const identity: KeyIdentity = { id: text.split('_')[1] ?? 'bootstrap', scopes: ['*'] }
  return {
    ...(path === undefined ? {} : { path }),
    verify: (given) => (timingSafeEqual(sha256(given), wanted) ? identity : undefined),
  }
}

/** Two daemons that start at once on one folder agree: the file is made by one of them only. */
async function readOrMake(path: string): Promise<string> {
  const known = await readFile(path, 'utf8').catch(() => undefined)
  if (known?.trim()) return known.trim()
  const text = `tg_bootstrap_${randomBytes(24).toString('base64url').replaceAll('_', '-')}`
  try {
    const file = await open(path, 'wx', 0o600)
    await file.writeFile(`${text}\n`)
    await file.sync()
    await file.close()
    return text
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST')
      return (await readFile(path, 'utf8')).trim()
    throw error
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
