/** What went out about accounts, and how much lately. */
import { hash } from 'node:crypto'
import { invariant } from '../base/fault.ts'
import type { NoticeLimit, NoticeLog, Receipted, Sending } from '../notices/notice-log.ts'
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'
import { wordsOf } from './replies.ts'

/** Longer than a notice may be tried again: for three days, and when it is a dead letter for thirty more. */
const REMEMBER_MS = 34 * 86_400_000

export class RedisNotices implements NoticeLog {
  readonly #store: RedisStore
  readonly #keys: Keys

  constructor(store: RedisStore, keys: Keys) {
    this.#store = store
    this.#keys = keys
  }

  async admit(sending: Sending, limit: NoticeLimit | undefined): Promise<'free' | 'done' | 'held_back'> {
    const { partition, account, nowMs } = sending
    const keys = [this.#mark(sending), this.#keys.notices(partition, account)]
    const words = [nowMs, digest(sending.news), limit?.most ?? '', limit?.withinMs ?? 0]
    const [word] = wordsOf(await this.#store.run('admit_notice', keys, words))
    invariant(word === 'free' || word === 'done' || word === 'held_back', `admit_notice answered ${word}`)
    return word
  }

  async done(sending: Sending, outcome: 'sent' | 'refused', receipt?: Receipted): Promise<void> {
    const { account, nowMs } = sending
    const told = receipt ? [receipt.receipt, receipt.payment, receipt.to] : ['', '', '']
    const keys = [this.#mark(sending), this.#keys.outbox(sending.partition)]
    await this.#store.run('note_notice', keys, [nowMs, outcome, REMEMBER_MS, account, ...told])
  }

  #mark({ partition, id }: Sending): string {
    return this.#keys.notice(partition, digest(id))
  }
}

/** Ids hold addresses, which key names should not. */
function digest(id: string): string {
  return hash('sha256', id, 'hex').slice(0, 32)
}
