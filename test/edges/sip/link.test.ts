/** The connection to a drachtio-server. */
import { expect, it } from 'vitest'
import { DrachtioLink, type LinkEvents } from '../../../src/edges/sip/link.ts'
import { createLog } from '../../../src/observe/log.ts'
import { openServer } from '../../support/drachtio/drachtio-server.ts'
import { until } from './process.ts'

const nothing = (): void => undefined

const events: LinkEvents = {
  onInvite: nothing,
  onOptions: nothing,
  onEarly: nothing,
  onStop: nothing,
  onConnected: nothing,
  onLost: nothing,
}

it('whose secret is wrong is tried again and again, and told of once', async ({ onTestFinished }) => {
  const server = await openServer()
  onTestFinished(() => server.close())
  const lines: string[] = []
  const to = { write: (line: string): void => void lines.push(line) }
  const settings = { host: '127.0.0.1', port: server.adminPort, secret: 'not-the-one' }
  const link = new DrachtioLink(settings, events, createLog({ level: 'info', to }))
  onTestFinished(() => link.close())
  let refusals = 0
  link.client.on('connect', (error) => {
    if (error) refusals += 1
  })
  link.open()
  await until('it was refused three times', () => refusals >= 3)
  expect(link.isConnected).toBe(false)
  expect(lines.filter((line) => line.includes('refuses us'))).toHaveLength(1)
  expect(lines.join()).not.toContain('not-the-one')
})
