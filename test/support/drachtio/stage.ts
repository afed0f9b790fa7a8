/** A drachtio-server with its apps and phones, for one test of it. */
import { expect } from 'vitest'
import { until } from '../../edges/sip/process.ts'
import { callWith, Sipp, type Note, type SippCall } from '../../edges/sip/sipp.ts'
import type { DoubleSettings } from './drachtio-double.ts'
import { type DrachtioServer, openServer } from './drachtio-server.ts'
import { TestApp, type Invite, type Legs } from './test-app.ts'

export class Stage {
  readonly server: DrachtioServer
  readonly #apps: TestApp[] = []
  readonly #phones: Sipp[] = []

  private constructor(server: DrachtioServer) {
    this.server = server
  }

  static async open(settings: Partial<DoubleSettings> = {}): Promise<Stage> {
    return new Stage(await openServer(settings))
  }

  async app(onInvite?: Invite): Promise<TestApp> {
    const app = await TestApp.connect(this.server, onInvite)
    this.#apps.push(app)
    return app
  }

  /** The called side. */
  async callee(scenario: string, settings: Partial<SippCall> = {}): Promise<Sipp> {
    const phone = await Sipp.start({ scenario, ...settings })
    this.#phones.push(phone)
    return phone
  }

  /** Calls and waits for the end. */
  async call(scenario: string, settings: Partial<SippCall> = {}): Promise<readonly Note[]> {
    const { exitCode, notes } = await callWith({ scenario, target: this.server.sipPort, talkMs: 200, ...settings })
    expect(exitCode).toBe(0)
    return notes
  }

  /** Calls without waiting for the end. */
  async ring(scenario: string, settings: Partial<SippCall> = {}): Promise<Sipp> {
    return await Sipp.start({ scenario, target: this.server.sipPort, talkMs: 200, ...settings })
  }

  async allLegsOver(): Promise<void> {
    await until('no dialog is left', async () => (await this.server.dialogs) === 0)
  }

  async end(): Promise<void> {
    for (const app of this.#apps) app.leave()
    for (const phone of this.#phones) await phone.stop()
    await this.server.close()
  }
}

export async function noted(phone: Sipp, what: string): Promise<void> {
  await until(`${what} noted`, async () => (await phone.notes()).some((note) => note.what === what))
}

/** How the first INVITE ended for the handler of an app. */
export async function outcome(app: TestApp): Promise<unknown> {
  await until('the app is done with the call', () => app.outcomes.length > 0)
  return app.outcomes[0]
}

export async function legs(app: TestApp): Promise<Legs> {
  return (await outcome(app)) as Legs
}

export function events({ cdrs }: TestApp, kind: string): string[] {
  return cdrs
    .filter((event) => event.kind === kind)
    .map(({ source, what }) => `${source} ${what}`.trim())
    .sort()
}

export async function stops(app: TestApp, count: number): Promise<string[]> {
  await until(`${count} cdr:stop`, () => events(app, 'cdr:stop').length >= count)
  return events(app, 'cdr:stop')
}
