import { expect, it } from 'vitest'
import type { Decision } from '../../src/calls/parts.ts'
import { createLog, decisionLine, type LogOptions } from '../../src/observe/log.ts'

function written(level: LogOptions['level'] = 'debug') {
  const lines: Record<string, unknown>[] = []
  const to = { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) }
  return { log: createLog({ level, to }), lines }
}

const decision: Decision = {
  operation: 'authorize',
  call: 'C1',
  account: 'acme',
  code: 'ok',
  fundedBy: 'credit',
  reserved: 20_000n,
  to: '+442079460958',
  tookMs: 1.23456,
}

it('writes one line for a decision, without the number that was called', () => {
  const { log, lines } = written()
  decisionLine(log, decision)
  expect(lines).toEqual([
    {
      level: 'info',
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      operation: 'authorize',
      call: 'C1',
      account: 'acme',
      outcome: 'allow',
      code: 'ok',
      fundedBy: 'credit',
      reserved: '0.020000',
      to: '+44******0958',
      ms: 1.235,
      msg: 'decision',
    },
  ])
})

it('says deny of everything that is not ok', () => {
  const { log, lines } = written()
  decisionLine(log, { operation: 'extend', call: '', code: 'no_credit', to: '911', tookMs: 0 })
  expect(lines).toMatchObject([{ outcome: 'deny', code: 'no_credit', to: '***' }])
  expect(lines[0]).not.toHaveProperty('account')
})

it.each([
  ['a field', { apiKey: 'tops3cret' }],
  ['a header', { headers: { authorization: 'tops3cret' } }],
  ['a header of a request', { req: { headers: { cookie: 'tops3cret' } } }],
  ['a setting', { settings: { databaseUrl: 'tops3cret' } }],
  ['a key in a text', { err: new Error('bad key tg_master_tops3cret') }],
  ['a key in a message of JSON', { text: '{"key":"tg_a1_tops3cret"}' }],
  ['a URL', { url: 'redis://default:tops3cret@10.0.0.5:6379' }],
  ['a URL with TLS', { url: 'could not reach rediss://:tops3cret@redis/0' }],
  ['a database', { url: 'postgres://tollgate:tops3cret@db/tollgate' }],
])('takes the secret out of %s', (_, fields) => {
  const { log, lines } = written()
  log.error(fields, 'it broke')
  expect(lines).toHaveLength(1)
  expect(JSON.stringify(lines)).not.toContain('tops3cret')
  expect(JSON.stringify(lines)).toContain('redacted')
})

it('leaves alone what is no secret', () => {
  const { log, lines } = written()
  log.info({ url: 'http://127.0.0.1:8484/v1/calls', id: 'tg_master' }, 'listening')
  expect(lines).toMatchObject([{ url: 'http://127.0.0.1:8484/v1/calls', id: 'tg_master' }])
})

it('writes nothing below its level', () => {
  const { log, lines } = written('warn')
  decisionLine(log, decision)
  expect(lines).toEqual([])
})
