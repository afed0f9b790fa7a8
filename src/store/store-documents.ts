/** Hashes of the store that belong to no partition and are kept elsewhere as well, by the names they have there. */
import type { Keys } from './keys.ts'

export function documentKeys(keys: Keys): Readonly<Record<string, string>> {
  return {
    meta: keys.meta(),
    apikeys: keys.apiKeys(),
    tariffs: keys.tariffs(),
    webhooks: keys.webhooks(),
    straycharges: keys.strayCharges(),
  }
}

const CONTENT = 'tariff:'

/** Rates that versions of tariffs have, which are named by their hash and never change. */
export function contentDocument(sha256: string): string {
  return `${CONTENT}${sha256}`
}

/** Where the document of this name lies. */
export function documentKey(keys: Keys, name: string): string {
  return documentKeys(keys)[name] ?? keys.tariffContent(name.slice(CONTENT.length))
}
