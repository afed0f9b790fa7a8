/** The drachtio-server of a test: the double, or a real one that `DRACHTIO_TEST_URL` names (docs/integrations/drachtio.md). */
import { freePort } from '../../edges/sip/process.ts'
import { DrachtioDouble, type DoubleSettings } from './drachtio-double.ts'
import { RealServer } from './real-server.ts'

export interface DrachtioServer {
  readonly sipPort: number
  /** Where apps connect. */
  readonly adminPort: number
  readonly secret: string
  /** Where it is a process of its own that the test has started. */
  readonly pid: number | undefined
  /** Connected apps that have asked for it. */
  takers(verb: string): number
  /** Of the legs that are up. */
  readonly dialogs: number | Promise<number>
  dropSockets(): void
  /** Nothing that an app says is carried out or answered, until it is lifted. */
  silence(silent?: boolean): void
  /** All calls and connections are forgotten, and no BYE is sent; it comes back on its ports. */
  restart(): Promise<void>
  close(): Promise<void>
}

const url = process.env['DRACHTIO_TEST_URL'] || undefined

/** What is only done with a double: its faults are told to it, and its timers are short. */
export const isDouble = url === undefined

/** One that was there before the test is shared, and stays as it is. */
export const isOurs = !url?.startsWith('tcp:')

/** Less is lifted to this by the real server. */
export const leastSessionSeconds = isDouble ? 1 : 90

export async function openServer(settings: Partial<DoubleSettings> = {}): Promise<DrachtioServer> {
  if (url !== undefined) return await RealServer.open(new URL(url), settings)
  return await DrachtioDouble.open({ secret: 'cymru', leastSessionSeconds, sipPort: await freePort(), ...settings })
}
