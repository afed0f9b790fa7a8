/**
 * What the journal of a partition comes to up to one of its entries. Replayed from there, the entries after it give what
 * all entries give from nothing, so those before it need not be there any more.
 */

export interface Checkpoint {
  /** Of the last entry that is in the sums; 0 is none. */
  readonly number: number
  /** By name; what is zero is absent. Those of two stretches of a journal add up to those of both. */
  readonly sums: ReadonlyMap<string, bigint>
}

export const BEGINNING: Checkpoint = { number: 0, sums: new Map() }

/** What a sum is of; none of the parts has a space in it. */
export type SumOf =
  /** A counter of an account, or "<set>:<leg key>" for a call that is a member. */
  | readonly [kind: 'a', account: string, what: string]
  /** What a live call has put aside of a counter. */
  | readonly [kind: 'h', legKey: string, account: string, counter: string]
  | readonly [kind: 'b', book: string]
  /** What a payment was credited for, less its refunds. */
  | readonly [kind: 'p', payment: string]

const SEPARATOR = ' '

export function sumName(of: SumOf): string {
  return of.join(SEPARATOR)
}

export function sumOf(name: string): SumOf {
  return name.split(SEPARATOR) as unknown as SumOf
}
