/** The compose file for users of Docker, as far as it can be shown without an engine: what it starts, with what, and for whom. */
import { readFile, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { formatProblem } from '../../src/catalog/problems.ts'
import { readSettings } from '../../src/catalog/settings.ts'

const folder = new URL('../../config/drachtio/', import.meta.url)
const SECRET = 'a secret of this installation'

const service = z.object({
  image: z.string().optional(),
  build: z.string().optional(),
  network_mode: z.literal('host'),
  environment: z.record(z.string(), z.string()).default({}),
  command: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
})
const compose = z.object({ services: z.object({ drachtio: service, redis: service, tollgate: service }) })

async function services() {
  const text = await readFile(new URL('compose.yaml', folder), 'utf8')
  return compose.parse(parse(text.replaceAll(/\$\{DRACHTIO_SECRET[^}]*\}/g, SECRET))).services
}

describe('the compose file', () => {
  it('tells the daemon of the server, the store and the secret that the others have', async () => {
    const { drachtio, redis, tollgate } = await services()
    const cwd = fileURLToPath(new URL('../../', import.meta.url))
    const read = await readSettings(tollgate.environment, cwd)
    if (read.kind === 'invalid') throw new Error(read.problems.map(formatProblem).join('\n'))
    const { sip, http } = read.settings
    expect(sip).toMatchObject({ enabled: true, servers: [{ host: '127.0.0.1', port: 9022, secret: SECRET }] })
    expect(http.host).toBe('127.0.0.1')
    expect(read.warnings.map(formatProblem)).toEqual([])
    expect(drachtio.environment['DRACHTIO_SECRET']).toBe(SECRET)
    expect(redis.command).toEqual(expect.arrayContaining(['--appendonly yes', '--maxmemory-policy noeviction']))
    expect(tollgate.environment['TOLLGATE_REDIS_URL']).toBe('redis://127.0.0.1:6379')
  })

  it('opens nothing but SIP to others', async () => {
    const { drachtio, redis } = await services()
    const conf = await readFile(new URL('drachtio.conf.xml', folder), 'utf8')
    expect(/<admin port="9022">([^<]*)<\/admin>/.exec(conf)?.[1]).toBe('127.0.0.1')
    expect(conf).not.toContain('secret=')
    expect(conf).toContain('<cdrs>true</cdrs>')
    expect(drachtio.environment['DRACHTIO_ADMIN_ADDRESS']).toBe('127.0.0.1')
    expect(redis.command).toContain('--bind 127.0.0.1')
  })

  it('names files that are there, and images of one version', async () => {
    const all = Object.values(await services())
    const mounted = all.flatMap(({ volumes }) => volumes.map((volume) => volume.split(':')[0] ?? ''))
    for (const path of mounted.filter((name) => name.startsWith('.'))) {
      await expect(stat(new URL(path, folder))).resolves.toBeDefined()
    }
    await expect(
      stat(new URL(`${all.find(({ build }) => build)?.build ?? ''}/Dockerfile`, folder)),
    ).resolves.toBeDefined()
    for (const { image } of all.filter((one) => one.image)) expect(image).toMatch(/:\d+\.\d+/)
  })
})
