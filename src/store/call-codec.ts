/** A call's record as text: "<revision>|<JSON>", money as decimal digits. Scripts read the revision and nothing else. */
import { invariant } from '../base/fault.ts'
import type { CallLevel, CallRecord, Charge, FirstAnswer } from '../calls/call.ts'
import type { Hold } from '../ledger/hold.ts'

interface StoredHold extends Omit<Hold, 'credit'> {
  readonly credit: string
}
interface StoredCharge extends Omit<Charge, 'micros'> {
  readonly micros: string
}
interface StoredLevel extends Omit<CallLevel, 'hold' | 'charge'> {
  readonly hold: StoredHold
  readonly charge?: StoredCharge
}
interface StoredRecord extends Omit<CallRecord, 'revision' | 'levels' | 'firstAnswer'> {
  readonly levels: readonly StoredLevel[]
  readonly firstAnswer?: Omit<FirstAnswer, 'reserved'> & { readonly reserved: string }
}

export function encodeCall(record: CallRecord): string {
  const { revision, levels, firstAnswer, ...rest } = record
  const stored: StoredRecord = {
    ...rest,
    levels: levels.map(encodeLevel),
    ...(firstAnswer ? { firstAnswer: { ...firstAnswer, reserved: firstAnswer.reserved.toString() } } : {}),
  }
  return `${revision}|${JSON.stringify(stored)}`
}

function encodeLevel({ hold, charge, ...rest }: CallLevel): StoredLevel {
  return {
    ...rest,
    hold: { ...hold, credit: hold.credit.toString() },
    ...(charge ? { charge: { ...charge, micros: charge.micros.toString() } } : {}),
  }
}

function decodeLevel({ hold, charge, ...rest }: StoredLevel): CallLevel {
  return {
    ...rest,
    hold: { ...hold, credit: BigInt(hold.credit) },
    ...(charge ? { charge: { ...charge, micros: BigInt(charge.micros) } } : {}),
  }
}

export function decodeCall(text: string): CallRecord {
  const bar = text.indexOf('|')
  const revision = Number(text.slice(0, bar))
  invariant(bar > 0 && Number.isSafeInteger(revision), 'a call record begins with its revision')
  const stored = JSON.parse(text.slice(bar + 1)) as StoredRecord
  const { levels, firstAnswer, ...rest } = stored
  return {
    ...rest,
    revision,
    levels: levels.map(decodeLevel),
    ...(firstAnswer ? { firstAnswer: { ...firstAnswer, reserved: BigInt(firstAnswer.reserved) } } : {}),
  }
}
