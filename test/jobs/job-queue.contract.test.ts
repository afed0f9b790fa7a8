import { describe, expect, it } from 'vitest'
import { exponentialPause } from '../../src/jobs/job-kind.ts'
import { until } from '../edges/sip/process.ts'
import { storeForms, useStore } from '../support/offices.ts'
import { daemon, kind } from './rig.ts'

describe.each(storeForms)('a queue on %s', (_name, form) => {
  const test = useStore(form)

  it('does each job once, whatever daemon has it, and knows an id that it has seen', async () => {
    const [one, other] = [await daemon(test), await daemon(test)]
    const done: string[] = []
    const run = async ({ text }: { readonly text: string }): Promise<void> => void done.push(text)
    const queue = one.queues.open(kind({ run }))
    other.queues.open(kind({ run }))
    one.work()
    other.work()
    const texts = Array.from({ length: 50 }, (_, index) => `note-${index}`)
    const jobs = texts.map((text) => ({ id: `acme:${text}`, data: { text } }))
    await queue.add(jobs)
    await queue.add(jobs)
    await until('all are done', () => done.length >= texts.length)
    await queue.add(jobs)
    await until('none is left', async () => (await queue.count('waiting')) + (await queue.count('active')) === 0)
    expect(done.toSorted()).toEqual(texts.toSorted())
    expect(await one.metrics.text()).toMatch(/tollgate_jobs_total\{queue="notes",result="done"\} [1-9]/)
  })

  it('tries a failed job again after pauses, with the number of the attempt, until it is done', async () => {
    const here = await daemon(test)
    const attempts: number[] = []
    const pauses: number[] = []
    const queue = here.queues.open(
      kind({
        attempts: 5,
        pauseMs: (failed) => {
          pauses.push(failed)
          return 1
        },
        run: (_data, attempt) => {
          attempts.push(attempt)
          return attempt < 4 ? Promise.reject(new Error('not yet')) : Promise.resolve()
        },
      }),
    )
    here.work()
    await queue.add([{ id: 'one', data: { text: 'a' } }])
    await until('it is done', () => attempts.length === 4)
    expect(attempts).toEqual([1, 2, 3, 4])
    expect(pauses).toEqual([1, 2, 3])
    expect(await queue.count('dead')).toBe(0)
    expect(here.lines.map(({ msg }) => msg)).toEqual(['a job failed', 'a job failed', 'a job failed'])
  })

  it('lists what failed for good, and tries it again with all its attempts when asked', async () => {
    const here = await daemon(test)
    let isMended = false
    const attempts: number[] = []
    const queue = here.queues.open(
      kind({
        run: (_data, attempt) => {
          attempts.push(attempt)
          return isMended && attempt === 2 ? Promise.resolve() : Promise.reject(new Error('the provider is away'))
        },
      }),
    )
    here.work()
    await queue.add([{ id: 'acme:7', data: { text: 'a' } }])
    await until('it is given up', async () => (await queue.count('dead')) === 1)
    expect(attempts).toEqual([1, 2, 3])
    const { items } = await here.queues.list({ state: 'dead', limit: 10 })
    expect(items).toMatchObject([
      {
        queue: 'notes',
        id: 'acme%3A7',
        state: 'dead',
        attempts: 3,
        reason: 'the provider is away',
        about: { text: 'a' },
      },
    ])
    await here.queues.gauges()
    expect(await here.metrics.text()).toContain('tollgate_dead_letters{queue="notes"} 1')
    expect(here.lines.at(-1)).toMatchObject({ level: 'error', queue: 'notes', text: 'a', msg: 'a job failed for good' })

    expect(await here.queues.retry('notes', 'acme%3A8')).toBe(false)
    expect(await here.queues.retry('imagined', 'acme%3A7')).toBe(false)
    isMended = true
    expect(await here.queues.retry('notes', 'acme%3A7')).toBe(true)
    await until('it is done', () => attempts.length === 5)
    await until('it is dead no more', async () => (await queue.count('dead')) === 0)
    expect(await here.queues.retry('notes', 'acme%3A7')).toBe(false)
  })

  it('lists over all queues, a page at a time', async () => {
    const here = await daemon(test)
    for (const name of ['first', 'second', 'third']) {
      const queue = here.queues.open(kind({ name }))
      await queue.add([1, 2, 3].map((number) => ({ id: `${name}-${number}`, data: { text: '' } })))
    }
    const found: string[] = []
    let cursor: string | undefined
    do {
      const page = await here.queues.list({ state: 'waiting', limit: 2, ...(cursor === undefined ? {} : { cursor }) })
      expect(page.items.length).toBeLessThanOrEqual(2)
      found.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    expect(found.toSorted()).toEqual(
      ['first', 'second', 'third'].flatMap((name) => [1, 2, 3].map((number) => `${name}-${number}`)),
    )
    expect((await here.queues.list({ state: 'waiting', queue: 'second', limit: 10 })).items).toHaveLength(3)
  })

  it('lets jobs under way be done before it rests, and waits no longer than it may', async () => {
    const here = await daemon(test)
    const begun = Promise.withResolvers<undefined>()
    const finish = Promise.withResolvers<undefined>()
    const queue = here.queues.open(
      kind({
        run: () => {
          begun.resolve(undefined)
          return finish.promise.then(() => undefined)
        },
      }),
    )
    here.work()
    await queue.add([{ id: 'long', data: { text: '' } }])
    await begun.promise
    const startedMs = performance.now()
    await here.rest(200)
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    expect(await queue.count('active')).toBe(1)
    finish.resolve(undefined)
    await until('it was done after all', async () => (await queue.count('active')) === 0)
  })
})

describe('the pause before another attempt', () => {
  it('doubles from a second to ten minutes, spread by a fifth', () => {
    const middle = exponentialPause(() => 0.5)
    expect([1, 2, 3, 10, 11, 20].map(middle)).toEqual([1_000, 2_000, 4_000, 512_000, 600_000, 600_000])
    expect([exponentialPause(() => 0)(1), exponentialPause(() => 1)(1)]).toEqual([800, 1_200])
  })
})
