/** A journal entry as the holder of one of its accounts reads it. */
import { Fault } from '../base/fault.ts'
import { decodeEntry } from '../ledger/journal.ts'
import { postedTo } from '../ledger/posting.ts'
import type { StoredEntry } from '../ledger/streams.ts'
import type { Transaction } from './office.ts'
import { given } from './profile.ts'

export interface TransactionOwner {
  readonly account: string
  readonly partition: number
}

/** Fault(store_unfit) when the entry does not say what the account's credit was afterwards. */
export function transactionOf({ account, partition }: TransactionOwner, stored: StoredEntry): Transaction {
  const entry = decodeEntry(stored.entry)
  const { kind, atMs, call, operation, note = {} } = entry
  const { amount = 0n, poolSeconds = 0 } = postedTo(entry).get(account) ?? {}
  const id = `${partition}-${stored.number}`
  const told = given({ why: note['reason'] ?? note['why'], call, operation, externalId: note['externalId'] })
  const balanceAfter = balanceOf(account, stored.balances)
  if (balanceAfter === undefined) throw new Fault('store_unfit', `journal entry ${id} has no balance of ${account}`)
  const minutes = poolSeconds === 0 ? {} : { poolSeconds }
  return { id, atMs, what: note['kind'] ?? kind, ...told, amount, balanceAfter, ...minutes }
}

function balanceOf(account: string, balances: string): bigint | undefined {
  const found = balances.split(' ').find((balance) => balance.startsWith(`${account}=`))
  return found === undefined ? undefined : BigInt(found.slice(account.length + 1))
}
