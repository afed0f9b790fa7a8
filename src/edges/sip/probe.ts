/** Whether a drachtio-server is there and takes us; nothing is asked of it. */
import { type DrachtioClient, newClient } from './drachtio.ts'
import type { SipServerSettings } from './parts.ts'

export type Probe = 'takes us' | 'refuses the secret' | 'does not answer'

export function probeServer({ host, port, secret }: SipServerSettings, withinMs: number): Promise<Probe> {
  const client = newClient()
  return new Promise<Probe>((resolve) => {
    const timer = setTimeout(() => resolve('does not answer'), withinMs)
    const found = (probe: Probe): void => {
      clearTimeout(timer)
      resolve(probe)
    }
    client.on('error', () => found('does not answer'))
    client.on('close', () => found('does not answer'))
    client.on('connect', (error) => found(error ? 'refuses the secret' : 'takes us'))
    client.connect({ host, port, secret, reconnect: { maxAttempts: 1 }, enablePing: false })
  }).finally(() => leave(client))
}

function leave(client: DrachtioClient): void {
  try {
    client.disconnect()
  } catch {
    // It never connected, or was let go of: there is nothing to close.
  }
}
