/** Groups of readers of a stream. */
import { isReply } from './replies.ts'
import type { RedisStore } from './redis.ts'

export interface StreamGroup {
  readonly stream: string
  readonly group: string
  /** Id of the entry after which it begins. */
  readonly from: string
}

/** Makes it, and the stream, where they are not; another daemon may do so at the same time, and does the same. */
export async function makeGroup(store: RedisStore, { stream, group, from }: StreamGroup): Promise<void> {
  try {
    await store.command((client) => client.xgroup('CREATE', stream, group, from, 'MKSTREAM'))
  } catch (error) {
    if (!isReply(error, 'BUSYGROUP')) throw error
  }
}
