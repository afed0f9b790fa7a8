/** What the README shows is what happens: its commands are run as they stand against the example config. */
import { execFile } from 'node:child_process'
import { readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Daemon, Home, root } from './bench.ts'
import { fencesOf, patternOf } from './fences.ts'

const run = promisify(execFile)

/** The port that the README's commands ask. */
const SHOWN = 'http://127.0.0.1:8484'

/** The shell commands that say these words, and what the README shows next. */
async function commandsWith(words: string): Promise<{ readonly text: string; readonly shown: readonly string[] }> {
  const all = fencesOf(await readFile(join(root, 'README.md'), 'utf8'))
  const at = all.findIndex(({ language, text }) => language === 'sh' && text.includes(words))
  expect(at, `the README has commands with "${words}"`).toBeGreaterThanOrEqual(0)
  return { text: all[at]!.text, shown: all[at + 1]?.text.trimEnd().split('\n') ?? [] }
}

const ends: (() => Promise<void>)[] = []
let home: Home
let daemon: Daemon

beforeAll(async () => {
  home = await Home.make((end) => ends.unshift(end))
  daemon = await home.daemon({ key: null, env: { TOLLGATE_CONFIG_DIR: join(root, 'config') } })
  // As in a checkout: ./data and ./scripts.
  await symlink(join(root, 'scripts'), join(home.folder, 'scripts'))
}, 30_000)

afterAll(async () => {
  for (const end of ends) await end()
})

async function shell(text: string): Promise<string> {
  const env = home.environment({
    TOLLGATE_HTTP_PORT: String(daemon.port),
    TOLLGATE_CONFIG_DIR: join(root, 'config'),
    NO_COLOR: '1',
  })
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', text.replaceAll(SHOWN, daemon.url)], {
    cwd: home.folder,
    env,
    timeout: 30_000,
  })
  return stdout
}

describe('the README', { timeout: 40_000 }, () => {
  it('asks for 30 calls on credit for one, and one is connected; its books and reports say so', async () => {
    const asking = await commandsWith('seq 30')
    const answers = (await shell(asking.text)).trim().split('\n')
    expect(answers).toHaveLength(30)
    expect(answers.filter((answer) => answer.includes('"allow":true'))).toHaveLength(1)
    expect(answers.filter((answer) => answer.includes('"code":"no_credit"'))).toHaveLength(29)
    for (const [index, shown] of asking.shown.slice(0, 3).entries()) expect(answers[index]).toMatch(patternOf(shown))
    expect(asking.shown.at(-1)).toBe('… 30 requests, 1 allowed')

    // The later commands go on in the same shell, with its key and api.
    const definitions = asking.text.split('\n').filter((line) => line.startsWith('key='))
    const settling = await commandsWith('audit verify')
    const [said = '', ...reports] = (await shell([...definitions, settling.text].join('\n'))).split('\n')
    expect(JSON.parse(said.slice(0, said.indexOf('}]}') + 3))).toMatchObject({
      accepted: 2,
      results: [
        { callId: expect.stringMatching(/^call-\d+$/) as string, state: 'answered' },
        { state: 'ended', seconds: 45, billedSeconds: 60, charge: '0.020000' },
      ],
    })
    expect(reports.join('\n')).toContain('demo')
    expect(reports.join('\n')).toContain('United States')
    expect(await daemon.balance('demo')).toMatchObject({ credit: '0.000000', reserved: '0.000000', calls: 0 })
    expect(await daemon.drifts()).toEqual([])
  })

  it('promises the same of 30 calls at the same time', async () => {
    const account = await daemon.account('same-time', { tariff: 'standard', credit: '0.02' })
    const asked = Array.from({ length: 30 }, (_, call) =>
      daemon.authorize(account, `same-time-${call}`, { to: '+13105550123' }),
    )
    const answers = await Promise.all(asked)
    expect(answers.filter(({ allow }) => allow)).toHaveLength(1)
    expect(answers.filter(({ code }) => code === 'no_credit')).toHaveLength(29)
  })
})
