/** The key that opens everything: named by the environment, or made once and kept in the data folder. */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { link, open, readFile, rename, rm } from 'node:fs/promises'
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
  const wanted = Buffer.from(text)
  const identity: KeyIdentity = { id: text.split('_')[1] ?? 'bootstrap', scopes: ['*'] }
  return {
    ...(path === undefined ? {} : { path }),
    verify: (given) => (isSame(Buffer.from(given), wanted) ? identity : undefined),
  }
}

/** Two daemons that start at once on one folder agree: the file appears whole, and is made by one of them only. */
async function readOrMake(path: string): Promise<string> {
  const known = await readKey(path)
  if (known) return known
  const text = `tg_bootstrap_${randomBytes(24).toString('base64url').replaceAll('_', '-')}`
  const made = `${path}.${randomBytes(6).toString('hex')}`
  await writeSynced(made, `${text}\n`)
  try {
    await link(made, path)
    return text
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    const theirs = await readKey(path)
    if (theirs) return theirs
    // An empty file is nobody's key.
    await rename(made, path)
    return text
  } finally {
    await rm(made, { force: true })
  }
}

async function readKey(path: string): Promise<string | undefined> {
  return (await readFile(path, 'utf8').catch(() => undefined))?.trim()
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** How long it takes tells how long the key is, which is no secret, and nothing of what is in it. */
function isSame(given: Buffer, wanted: Buffer): boolean {
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}
