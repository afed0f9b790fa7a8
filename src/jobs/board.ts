/** Bull Board over the queues, for people who look and change nothing. Its packages are loaded only where it is wanted. */
import type { FastifyPluginCallback } from 'fastify'
import type { ShownQueue } from './job-queue.ts'

/** As a plugin for the path that it is registered under. */
export async function openBoard(queues: readonly ShownQueue[], path: string): Promise<FastifyPluginCallback> {
  const [{ createBullBoard }, { BullMQAdapter }, { FastifyAdapter }] = await Promise.all([
    import('@bull-board/api'),
    import('@bull-board/api/bullMQAdapter'),
    import('@bull-board/fastify'),
  ])
  const serverAdapter = new FastifyAdapter().setBasePath(path)
  const shown = queues.map(({ queue, about }) => {
    const adapter = new BullMQAdapter(queue, { readOnlyMode: true })
    adapter.setFormatter('data', about)
    return adapter
  })
  const uiConfig = { boardTitle: 'tollgate', hideRedisDetails: true }
  createBullBoard({ queues: shown, serverAdapter, options: { uiConfig } })
  // What it would say of a fault is for whoever wrote it.
  serverAdapter.setErrorHandler(() => ({ status: 500, body: { error: 'the queues cannot be read' } }))
  return serverAdapter.registerPlugin()
}
