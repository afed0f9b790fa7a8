/** Ended calls of the last days, account after account, through the API. */
import * as answers from './answers.ts'
import type { Api } from './api.ts'

export interface CallsAsked {
  /** A tariff by which calls were charged. */
  readonly tariff: string
  /** None is every account. */
  readonly accounts: readonly string[]
  readonly from: string
  readonly to: string
  /** Told the share of accounts that are done, in thousandths. */
  readonly progress: (done: number) => void
}

export async function* endedCalls(api: Api, asked: CallsAsked): AsyncGenerator<answers.CdrRow> {
  const accounts = asked.accounts.length > 0 ? asked.accounts : await allAccounts(api)
  const query = { from: asked.from, to: asked.to }
  for (const [at, account] of accounts.entries()) {
    asked.progress((1000 * at) / accounts.length)
    for await (const { rows } of api.pages(`/v1/accounts/${account}/cdrs`, answers.pageOf(answers.cdr), { query })) {
      for (const row of rows) {
        const cdr = answers.cdr.parse(row)
        if (cdr.rate?.tariff === asked.tariff) yield cdr
      }
    }
  }
}

async function allAccounts(api: Api): Promise<readonly string[]> {
  const { rows } = await api.list('/v1/accounts', answers.pageOf(answers.accountId))
  return rows.map((row) => answers.accountId.parse(row).id)
}
