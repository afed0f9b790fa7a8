import { describe, expect, it } from 'vitest'
import { callRecord } from '../edges/http/examples.ts'
import { createCallObserver } from '../../src/observe/call-observer.ts'
import { createLog } from '../../src/observe/log.ts'
import { Metrics } from '../../src/observe/metrics.ts'

/** Samples of the text, without comments and empty figures. */
async function samples(metrics: Metrics): Promise<string[]> {
  const lines = (await metrics.text()).split('\n')
  return lines.filter((line) => line !== '' && !line.startsWith('#') && !line.endsWith(' 0'))
}

describe('figures', () => {
  it.each<[string, (metrics: Metrics) => void, string]>([
    [
      'decisions',
      (m) => m.decided({ operation: 'authorize', code: 'no_credit', tookMs: 3 }),
      'decisions_total{operation="authorize",code="no_credit"} 1',
    ],
    [
      'how long they took',
      (m) => m.decided({ operation: 'extend', code: 'ok', tookMs: 3 }),
      'decision_seconds_sum{operation="extend"} 0.003',
    ],
    ['events', (m) => m.eventTaken('stop'), 'events_total{type="stop"} 1'],
    ['unknown fields', (m) => m.unknownField('events'), 'unknown_fields_total{operation="events"} 1'],
    ['presumed ends', (m) => m.happened('presumed_end'), 'presumed_ends_total 1'],
    ['fail-open calls', (m) => m.happened('fail_open'), 'failopen_calls_total 1'],
    ['ignored events', (m) => m.happened('ignored_event'), 'events_ignored_total 1'],
    ['events put aside', (m) => m.happened('parked'), 'events_parked_total 1'],
    ['late extensions', (m) => m.late('extend', 250), 'extension_lateness_seconds_sum 0.25'],
    ['late cuts', (m) => m.late('cut', -5), 'cut_lateness_seconds_count 1'],
    ['faults of the store', (m) => m.storeFailed('store_timeout'), 'store_errors_total{code="store_timeout"} 1'],
    ['open calls', (m) => m.openCalls(7), 'open_calls 7'],
    ['held money', (m) => m.held('USD', 1_500_000n), 'held_money{currency="USD"} 1.5'],
    ['spooled calls', (m) => m.spooledCalls(2), 'spooled_calls 2'],
    ['parked events', (m) => m.parkedEvents(3), 'parked_events 3'],
    ['jobs', (m) => m.jobEnded('mail', 'dead'), 'jobs_total{queue="mail",result="dead"} 1'],
    ['dead letters', (m) => m.deadLetters('mail', 2), 'dead_letters{queue="mail"} 2'],
    ['jobs that wait', (m) => m.jobsWaiting('mail', 4), 'jobs_waiting{queue="mail"} 4'],
    ['what the relay has to move', (m) => m.outboxLag(5, 1.5), 'outbox_lag_entries 5'],
    ['since when', (m) => m.outboxLag(5, 1.5), 'outbox_oldest_pending_seconds 1.5'],
    ['reloads', (m) => m.reloaded(true, 5_000), 'config_last_reload_timestamp_seconds 5'],
  ])('count %s', async (_, happen, line) => {
    const metrics = new Metrics()
    happen(metrics)
    expect(await samples(metrics)).toContain(`tollgate_${line}`)
  })

  it('say when a reload failed, and keep when the last one held', async () => {
    const metrics = new Metrics()
    expect(await metrics.text()).toContain('tollgate_config_last_reload_successful 1')
    metrics.reloaded(true, 5_000)
    metrics.reloaded(false, 9_000)
    const text = await metrics.text()
    expect(text).toContain('tollgate_config_last_reload_successful 0')
    expect(text).toContain('tollgate_config_last_reload_timestamp_seconds 5')
  })

  it('have labels of words that we know only', async () => {
    const metrics = new Metrics()
    metrics.decided({ operation: 'authorize', code: '+442079460958', tookMs: 1 })
    metrics.held('acme', 1n)
    const text = await metrics.text()
    expect(text).not.toMatch(/2079460958|acme/)
    expect(text).toContain('code="other"')
  })

  it('include those of the process when asked for', async () => {
    const metrics = new Metrics()
    expect(await metrics.text()).not.toContain('process_cpu')
    metrics.collectProcess()
    expect(await metrics.text()).toContain('process_cpu_seconds_total')
  })
})

describe('what is said of calls', () => {
  const decision = { operation: 'authorize', call: 'C', code: 'ok', to: '+442079460958', tookMs: 1 } as const

  function observing(writesDecisions: boolean) {
    const lines: Record<string, unknown>[] = []
    const to = { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) }
    const metrics = new Metrics()
    const log = createLog({ level: 'info', to })
    return { lines, metrics, observer: createCallObserver({ log, metrics, writesDecisions: () => writesDecisions }) }
  }

  it.each([
    [true, 1],
    [false, 0],
  ])('is counted, and with decisions %s written on %i line', async (writes, lineCount) => {
    const { lines, metrics, observer } = observing(writes)
    observer.decided(decision)
    expect(lines).toHaveLength(lineCount)
    expect(await samples(metrics)).toContain('tollgate_decisions_total{operation="authorize",code="ok"} 1')
  })

  it('is a warning when a person should look, with the call and no number', () => {
    const { lines, observer } = observing(true)
    observer.happened('parked', callRecord())
    observer.happened('ignored_event', callRecord())
    observer.late('cut', 10)
    observer.ended(callRecord())
    expect(lines).toMatchObject([{ level: 'warn', what: 'parked', call: callRecord().call, account: 'acme' }])
    expect(JSON.stringify(lines)).not.toContain('2079460958')
  })
})
