/** The process outlives a PostgreSQL that dies with a transaction under way. */
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { Process, until } from '../edges/sip/process.ts'
import { startPostgres } from '../support/postgres.ts'

it('a transaction is rejected, and the next one made when the server is back', async ({ onTestFinished }) => {
  const postgres = await startPostgres()
  onTestFinished(() => postgres.stop())
  const script = fileURLToPath(new URL('transaction.ts', import.meta.url))
  const running = new Process({ name: 'transaction', file: process.execPath, args: [script, postgres.url] })
  onTestFinished(() => running.kill())
  const says = (words: string) =>
    until(`it says ${words}`, () => running.output.includes(words), { withinMs: 30_000, explain: () => running.output })
  await says('under way')
  await postgres.kill()
  await says('rejected')
  expect(running.output).toContain('archive_unavailable')
  await postgres.restart()
  await says('again')
  await until('it ends', () => !running.running, { withinMs: 10_000 })
}, 60_000)
