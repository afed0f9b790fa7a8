/** docs/walks are walked as they stand: their commands are run, and what they show is what happens. */
import { execFile } from 'node:child_process'
import { readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Process, freePort, ready, until } from '../edges/sip/process.ts'
import { type AtEnd, Home, root } from './bench.ts'
import { type Fence, fencesOf, patternOf } from './fences.ts'

const run = promisify(execFile)

const DAEMON = './scripts/start'
/** Blocks of a terminal of its own: they run on, and are there when they say so. */
const SERVERS = { 'scripts/inbox.ts': 'mail at smtp:', [DAEMON]: 'tollgate answers at' } as const

class Walk {
  readonly #home: Home
  readonly #env: NodeJS.ProcessEnv
  readonly #ports: Readonly<Record<string, number>>
  readonly #servers = new Map<string, Process>()
  /** Variables that later blocks go on with, by the terminal they are of. */
  readonly #said = { here: [] as string[], server: [] as string[] }

  private constructor(home: Home, ports: Readonly<Record<string, number>>) {
    this.#home = home
    this.#ports = ports
    const port = String(ports['8484'])
    const places = { TOLLGATE_HTTP_PORT: port, TOLLGATE_URL: `http://127.0.0.1:${port}` }
    this.#env = home.environment({ ...places, TOLLGATE_CONFIG_DIR: join(root, 'config'), NO_COLOR: '1' })
  }

  static async begin(atEnd: AtEnd): Promise<Walk> {
    const home = await Home.make(atEnd)
    // As in a checkout: ./data beside these.
    for (const folder of ['scripts', 'docs']) await symlink(join(root, folder), join(home.folder, folder))
    const ports = { '8484': await freePort(), '2525': await freePort(), '8090': await freePort() }
    const walk = new Walk(home, ports)
    atEnd(() => walk.#end())
    return walk
  }

  get inbox(): readonly string[] {
    return this.#servers.get('scripts/inbox.ts')?.output.split('\n') ?? []
  }

  /** Goes on until the end of the page; `shown` is what the blocks after commands show. */
  async take({ language, text }: Fence, before: Fence | undefined, said: string): Promise<string> {
    if (language === 'sh') return this.#command(text)
    if (language === 'text') await this.#arrives(text)
    else {
      expect(before?.language).toBe('sh')
      for (const line of text.trimEnd().split('\n')) expect(said).toMatch(new RegExp(patternOf(line).source, 'm'))
    }
    return said
  }

  async #command(text: string): Promise<string> {
    const server = Object.entries(SERVERS).find(([command]) => text.includes(command))
    if (server) return this.#serve(text, server)
    // The page says to end the daemon before.
    if (text.includes('archive restore')) await this.#servers.get(DAEMON)?.end(20_000)
    const { stdout } = await run(
      'bash',
      ['-euo', 'pipefail', '-c', this.#moved([...this.#said.here, text].join('\n'))],
      {
        cwd: this.#home.folder,
        env: this.#env,
        timeout: 60_000,
      },
    )
    this.#said.here.push(...text.split('\n').filter((line) => /^(export )?\w+=/.test(line)))
    return stdout
  }

  async #serve(text: string, [command, says]: readonly [string, string]): Promise<string> {
    await this.#servers.get(command)?.end(20_000)
    const lines = text.trimEnd().split('\n')
    const last = (lines.pop() ?? '').replace(DAEMON, './scripts/tollgate serve')
    const args = command === 'scripts/inbox.ts' ? ` ${this.#ports['2525']} ${this.#ports['8090']}` : ''
    if (command !== 'scripts/inbox.ts') this.#said.server.push(...lines)
    const script = this.#moved([...this.#said.server, `exec ${last}${args}`].join('\n'))
    const name = command
    const started = new Process({ name, file: 'bash', args: ['-c', script], cwd: this.#home.folder, env: this.#env })
    this.#servers.set(command, started)
    await ready(started, async () => Promise.resolve(started.output.includes(says)), 60_000)
    return ''
  }

  /** With the ports of this walk. */
  #moved(text: string): string {
    return Object.entries(this.#ports).reduce(
      (moved, [shown, port]) => moved.replaceAll(`127.0.0.1:${shown}`, `127.0.0.1:${port}`),
      text,
    )
  }

  async #arrives(text: string): Promise<void> {
    for (const line of text.trimEnd().split('\n')) {
      await until(`the inbox has "${line}"`, () => this.inbox.some((arrived) => patternOf(line).test(arrived)), {
        withinMs: 30_000,
        explain: () => this.inbox.join('\n'),
      })
    }
  }

  async #end(): Promise<void> {
    for (const server of this.#servers.values()) await server.kill()
  }
}

describe('a walk', { timeout: 240_000 }, () => {
  async function walked(page: string, atEnd: AtEnd) {
    const fences = fencesOf(await readFile(join(root, 'docs', 'walks', page), 'utf8'))
    const walk = await Walk.begin(atEnd)
    let said = ''
    for (const [index, fence] of fences.entries()) said = await walk.take(fence, fences[index - 1], said)
    return { fences, walk }
  }

  it('with money goes as it is told, and mails no more than it says', async ({ onTestFinished }) => {
    const { fences, walk } = await walked('money.md', onTestFinished)
    const told = fences.filter(({ language }) => language === 'text').flatMap(({ text }) => text.split('\n'))
    const mails = (lines: readonly string[]) => lines.filter((line) => line.startsWith('mail to')).toSorted()
    expect(mails(walk.inbox)).toEqual(mails(told))
  })

  it('with usage goes as it is told', async ({ onTestFinished }) => {
    await walked('usage.md', onTestFinished)
  })
})
