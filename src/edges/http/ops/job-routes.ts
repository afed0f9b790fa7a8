/** Jobs: those that failed for good above all, and having them tried again. */
import { z } from 'zod'
import { formatInstant } from '../../../base/time.ts'
import { JOB_CURSOR, jobStates, type JobView } from '../../../events/job.ts'
import { page } from '../fields.ts'
import { json, operation } from '../operation.ts'
import { pageOf, pageSchema } from '../paging.ts'
import type { HttpParts } from '../parts.ts'
import { HttpProblem } from '../problem.ts'
import type { HttpServer } from '../server-type.ts'

const queueName = () => z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'must be the name of a queue')

const query = z.strictObject({
  state: z.enum(jobStates).default('dead').describe('`dead`: all attempts failed.'),
  queue: queueName().exactOptional(),
  ...page(JOB_CURSOR),
})

const params = z.object({
  queue: queueName(),
  job: z.string().min(1).max(512),
})

const instant = z.string().describe('RFC 3339, UTC.')

const jobSchema = z
  .object({
    queue: z.string(),
    id: z.string(),
    state: z.enum(jobStates),
    attempts: z.int().describe('Attempts that ended.'),
    addedAt: instant,
    endedAt: instant.optional().describe('When it was given up.'),
    reason: z.string().optional().describe('Why the last attempt failed.'),
    about: z.record(z.string(), z.string()).describe('Such as the event and the account.'),
  })
  .meta({ id: 'Job' })

export function addJobRoutes(server: HttpServer, { jobs }: HttpParts): void {
  const words = { tag: 'Operation', wholeInstallation: true } as const
  const list = operation(
    {
      id: 'listJobs',
      summary: 'Jobs in one state; those that failed for good unless asked otherwise.',
      needs: 'ops:read',
      answers: { 200: json(pageSchema(jobSchema), 'Jobs.') },
      ...words,
    },
    { querystring: query },
  )
  server.get('/v1/jobs', list, async (request) => pageOf(await jobs.list(request.query), jobJson))

  const retry = operation(
    {
      id: 'retryJob',
      summary: 'Has a job that failed for good tried again, with all its attempts.',
      needs: 'ops:write',
      answers: { 200: json(z.object({ queue: z.string(), id: z.string(), retried: z.literal(true) }), 'It will be.') },
      problems: [404],
      ...words,
    },
    { params, body: z.strictObject({}).optional() },
  )
  server.post('/v1/jobs/:queue/:job/retry', retry, async (request) => {
    const { queue, job } = request.params
    if (await jobs.retry(queue, job)) return { queue, id: job, retried: true }
    throw new HttpProblem('job_unknown', `the queue "${queue}" has no job "${job}" that failed for good`)
  })
}

function jobJson({ addedAtMs, endedAtMs, ...job }: JobView) {
  return {
    ...job,
    addedAt: formatInstant(addedAtMs),
    ...(endedAtMs === undefined ? {} : { endedAt: formatInstant(endedAtMs) }),
  }
}
