/** `tollgate jobs`: what failed for good, and having it tried again. */
import type { Command } from 'commander'
import { anything, pageOf } from '../answers.ts'
import * as answers from '../event-answers.ts'
import { id, oneOf, whole } from '../arguments.ts'
import type { Api } from '../api.ts'
import type { Cli } from '../cli.ts'
import { instant } from '../text.ts'

const STATES = ['dead', 'waiting', 'delayed', 'active'] as const
const DEFAULT_JOBS = 50
const MAX_JOBS = 10_000

interface ListOptions {
  readonly state: (typeof STATES)[number]
  readonly queue?: string
  readonly limit: number
}

export function addJobCommands(program: Command, cli: Cli): void {
  const jobs = program.command('jobs').description('What is done about events.')
  jobs
    .command('list')
    .description('Jobs that failed for good, or those in another state.')
    .option('--state <state>', STATES.join(', '), oneOf(...STATES), 'dead')
    .option('--queue <queue>', 'of this queue only', id)
    .option('--limit <count>', 'at most so many', whole(1, MAX_JOBS), DEFAULT_JOBS)
    .action((options: ListOptions) => list(cli, options))
  jobs
    .command('retry')
    .description('Has jobs that failed for good tried again, with all their attempts.')
    .argument('<queue>', 'its name', id)
    .argument('[job...]', 'ids, as `tollgate jobs list` shows them; every one of the queue unless given')
    .action((queue: string, ids: readonly string[]) => retry(cli, queue, ids))
}

async function list(cli: Cli, { limit, ...query }: ListOptions): Promise<void> {
  const api = await cli.api()
  const { rows, raw } = await api.list('/v1/jobs', pageOf(answers.job), { query, limit })
  cli.printList({ rows, raw, none: `No jobs are ${query.state}.` }, [
    { title: 'QUEUE', cell: (row) => row.queue },
    { title: 'ID', cell: (row) => row.id },
    { title: 'TRIED', cell: (row) => row.attempts, right: true },
    { title: 'ENDED', cell: (row) => instant(row.endedAt) },
    { title: 'ABOUT', cell: (row) => Object.values(row.about).join(' ') },
    { title: 'WHY', cell: (row) => row.reason },
  ])
}

async function retry(cli: Cli, queue: string, ids: readonly string[]): Promise<void> {
  const api = await cli.api()
  const asked = ids.length > 0 ? ids : await dead(api, queue)
  for (const job of asked) await api.post(`/v1/jobs/${queue}/${encodeURIComponent(job)}/retry`, anything)
  cli.print({ queue, retried: asked }, () => `${asked.length} jobs of ${queue} are tried again.`)
}

async function dead(api: Api, queue: string): Promise<readonly string[]> {
  const query = { state: 'dead', queue }
  const { rows } = await api.list('/v1/jobs', pageOf(answers.job), { query, limit: MAX_JOBS })
  return rows.map(({ id: job }) => job)
}
