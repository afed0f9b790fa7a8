/**
 * A call's record as text: "<revision>|<JSON list>". Scripts read the revision and nothing else. It is written at every
 * step of a call, so what every call has stands in a fixed place without a name, instants are counted from when the call
 * was authorized, and what few calls have goes by its name at the end.
 */
import { invariant } from '../base/fault.ts'
import { isIdOf, parseCallId } from '../calls/call-id.ts'
import type { CallEnd, CallLevel, CallRecord, CallStep, Charge, FirstAnswer, FundedBy } from '../calls/call.ts'
import type { PoolPart, TrunkKind } from '../ledger/hold.ts'

/** A word is kept as its place in its list: a new one goes to the end. */
const STATES = ['authorized', 'answered', 'ending', 'ended', 'failed'] as const
const MODES = ['clock', 'edge', 'whole'] as const
const DIRECTIONS = ['outbound', 'inbound'] as const
const MEDIA = ['voice', 'video', 'message'] as const

/** Milliseconds since the call was authorized; as text the instant itself, where that is no whole number. */
type StoredInstant = number | string
/** Nothing is a 0 in its place. */
type Maybe<T> = T | 0

type StoredPart = [pool: string, cycle: number, seconds: number, increment: number, free: number, policy: string]
type StoredCharge = [micros: string, billed: number, pools: StoredPart[], overrun: number, unrated: Maybe<1>]
type StoredLevel = [
  account: Maybe<string>,
  currency: string,
  tariff: Maybe<[name: string, version: number]>,
  credit: string,
  trunk: Maybe<TrunkKind>,
  pools: StoredPart[],
  unpaid: Maybe<1>,
  charge: Maybe<StoredCharge>,
]
type StoredFirst = [seconds: number, reserved: string, lasts: number, final: Maybe<1>, fundedBy: FundedBy]
type StoredTalk = [answered: StoredInstant | null, connected: StoredInstant | null, aliveSeconds: number | null]
type StoredEnd = [
  at: StoredInstant,
  seconds: number,
  cause: string,
  heard: StoredInstant,
  presumed: Maybe<1>,
  ...object[],
]
type StoredStep = [at: StoredInstant, what: string, times?: number]

type StoredCall = [
  call: string,
  words: [state: number, mode: number, direction: number, media: number],
  leg: [node: string, callId: string, legId: string],
  content: string,
  numbers: [from: string, to: string],
  account: string,
  authorizedAtMs: number,
  lastAlive: StoredInstant,
  seconds: [granted: number, maxDuration: number],
  levels: StoredLevel[],
  history: StoredStep[],
  first: Maybe<StoredFirst>,
  talk: Maybe<StoredTalk>,
  end: Maybe<StoredEnd>,
  ...rest: Partial<CallRecord>[],
]

export function encodeCall(record: CallRecord): string {
  const { account, authorizedAtMs, leg } = record
  const stored: StoredCall = [
    record.call,
    wordsOf(record),
    [leg.node, leg.callId, leg.legId],
    record.content,
    [record.from, record.to],
    account,
    authorizedAtMs,
    since(record.lastAliveAtMs, authorizedAtMs),
    [record.grantedSeconds, record.maxDurationSeconds],
    record.levels.map((level) => encodeLevel(level, account)),
    record.history.map((step) => encodeStep(step, authorizedAtMs)),
    record.firstAnswer ? encodeFirst(record.firstAnswer) : 0,
    encodeTalk(record),
    record.end ? encodeEnd(record.end, authorizedAtMs) : 0,
  ]
  const rest = restOf(record)
  if (rest) stored.push(rest)
  return `${record.revision}|${JSON.stringify(stored)}`
}

function wordsOf({ state, mode, direction, media }: CallRecord): StoredCall[1] {
  return [STATES.indexOf(state), MODES.indexOf(mode), DIRECTIONS.indexOf(direction), MEDIA.indexOf(media)]
}

function since(atMs: number, fromMs: number): StoredInstant {
  return Number.isInteger(atMs) ? atMs - fromMs : String(atMs)
}

function instantOf(stored: StoredInstant, fromMs: number): number {
  return typeof stored === 'number' ? stored + fromMs : Number(stored)
}

/** What few calls have; undefined when this one has none of it. */
function restOf(record: CallRecord): Partial<CallRecord> | undefined {
  let rest: Record<string, unknown> | undefined
  for (const name of RARE) {
    const value = record[name]
    if (value !== undefined && value !== 0) (rest ??= {})[name] = value
  }
  // An id tells partition and leg key, but for a tombstone that one partition makes for another.
  if (!isIdOf(record.call, record)) rest = { ...rest, partition: record.partition, legKey: record.legKey }
  return rest
}

const RARE = [
  'instance',
  'attempt',
  'requestedAtMs',
  'over',
  'user',
  'ref',
  'absences',
  'absentAtMs',
  'finalReason',
  'failOpen',
  'endingSinceMs',
  'endingReason',
  'endAttempts',
  'corrections',
] as const satisfies readonly (keyof CallRecord)[]

function encodeTalk({ answeredAtMs, connectedAtMs, aliveSeconds, authorizedAtMs }: CallRecord): Maybe<StoredTalk> {
  if (answeredAtMs === undefined && connectedAtMs === undefined && aliveSeconds === undefined) return 0
  return [
    answeredAtMs === undefined ? null : since(answeredAtMs, authorizedAtMs),
    connectedAtMs === undefined ? null : since(connectedAtMs, authorizedAtMs),
    aliveSeconds ?? null,
  ]
}

function decodeTalk(talk: Maybe<StoredTalk>, fromMs: number): Partial<CallRecord> {
  if (talk === 0) return {}
  const [answered, connected, aliveSeconds] = talk
  return {
    ...(answered === null ? {} : { answeredAtMs: instantOf(answered, fromMs) }),
    ...(connected === null ? {} : { connectedAtMs: instantOf(connected, fromMs) }),
    ...(aliveSeconds === null ? {} : { aliveSeconds }),
  }
}

function encodeStep({ atMs, what, times }: CallStep, fromMs: number): StoredStep {
  return times === undefined ? [since(atMs, fromMs), what] : [since(atMs, fromMs), what, times]
}

function decodeStep([at, what, times]: StoredStep, fromMs: number): CallStep {
  return { atMs: instantOf(at, fromMs), what, ...(times === undefined ? {} : { times }) }
}

function encodeFirst({ reservedSeconds, reserved, maxDurationSeconds, final, fundedBy }: FirstAnswer): StoredFirst {
  return [reservedSeconds, reserved.toString(), maxDurationSeconds, final ? 1 : 0, fundedBy]
}

function decodeFirst([reservedSeconds, reserved, maxDurationSeconds, final, fundedBy]: StoredFirst): FirstAnswer {
  return { reservedSeconds, reserved: BigInt(reserved), maxDurationSeconds, final: final === 1, fundedBy }
}

function encodeEnd({ endedAtMs, seconds, cause, heardAtMs, presumed, ...rest }: CallEnd, fromMs: number): StoredEnd {
  const end: StoredEnd = [since(endedAtMs, fromMs), seconds, cause, since(heardAtMs, fromMs), presumed ? 1 : 0]
  if (rest.instance !== undefined || rest.overlong !== undefined) end.push(rest)
  return end
}

function decodeEnd([at, seconds, cause, heard, presumed, rest]: StoredEnd, fromMs: number): CallEnd {
  return {
    endedAtMs: instantOf(at, fromMs),
    seconds,
    cause,
    presumed: presumed === 1,
    heardAtMs: instantOf(heard, fromMs),
    ...rest,
  }
}

function encodeLevel({ account, currency, tariff, hold, charge }: CallLevel, payer: string): StoredLevel {
  return [
    account === payer ? 0 : account,
    currency,
    tariff ? [tariff.name, tariff.version] : 0,
    hold.credit.toString(),
    hold.trunk ?? 0,
    hold.pools.map(encodePart),
    hold.unpaid ? 1 : 0,
    charge ? encodeCharge(charge) : 0,
  ]
}

function decodeLevel(stored: StoredLevel, payer: string): CallLevel {
  const [account, currency, tariff, credit, trunk, pools, unpaid, charge] = stored
  return {
    account: account === 0 ? payer : account,
    currency,
    ...(tariff === 0 ? {} : { tariff: { name: tariff[0], version: tariff[1] } }),
    hold: {
      ...(trunk === 0 ? {} : { trunk }),
      pools: pools.map(decodePart),
      credit: BigInt(credit),
      ...(unpaid === 1 ? { unpaid: true } : {}),
    },
    ...(charge === 0 ? {} : { charge: decodeCharge(charge) }),
  }
}

function encodePart({ pool, cycle, seconds, increment, freeSeconds, onExhausted }: PoolPart): StoredPart {
  return [pool, cycle, seconds, increment, freeSeconds, onExhausted]
}

function decodePart([pool, cycle, seconds, increment, freeSeconds, policy]: StoredPart): PoolPart {
  return { pool, cycle, seconds, increment, freeSeconds, onExhausted: policy as PoolPart['onExhausted'] }
}

function encodeCharge({ micros, billedSeconds, pools, overrunSeconds, unrated }: Charge): StoredCharge {
  return [micros.toString(), billedSeconds, pools.map(encodePart), overrunSeconds, unrated ? 1 : 0]
}

function decodeCharge([micros, billedSeconds, pools, overrunSeconds, unrated]: StoredCharge): Charge {
  return {
    micros: BigInt(micros),
    billedSeconds,
    pools: pools.map(decodePart),
    overrunSeconds,
    ...(unrated === 1 ? { unrated: true } : {}),
  }
}

export function decodeCall(text: string): CallRecord {
  const bar = text.indexOf('|')
  const revision = Number(text.slice(0, bar))
  invariant(bar > 0 && Number.isSafeInteger(revision), 'a call record begins with its revision')
  const [call, words, leg, content, numbers, account, fromMs, lastAlive, seconds, ...more] = JSON.parse(
    text.slice(bar + 1),
  ) as StoredCall
  const [levels, history, first, talk, end, rest] = more
  const place = parseCallId(call)
  invariant(place ?? rest, 'a call record says where it is kept')
  return {
    revision,
    call,
    ...(place ?? { partition: 0, legKey: '' }),
    leg: { node: leg[0], callId: leg[1], legId: leg[2] },
    ...readWords(words),
    content,
    from: numbers[0],
    to: numbers[1],
    account,
    authorizedAtMs: fromMs,
    lastAliveAtMs: instantOf(lastAlive, fromMs),
    absences: 0,
    grantedSeconds: seconds[0],
    maxDurationSeconds: seconds[1],
    levels: levels.map((level) => decodeLevel(level, account)),
    corrections: 0,
    history: history.map((step) => decodeStep(step, fromMs)),
    ...(first === 0 ? {} : { firstAnswer: decodeFirst(first) }),
    ...decodeTalk(talk, fromMs),
    ...(end === 0 ? {} : { end: decodeEnd(end, fromMs) }),
    ...rest,
  }
}

function readWords(words: StoredCall[1]): Pick<CallRecord, 'state' | 'mode' | 'direction' | 'media'> {
  const [state, mode, direction, media] = [STATES[words[0]], MODES[words[1]], DIRECTIONS[words[2]], MEDIA[words[3]]]
  invariant(state && mode && direction && media, 'a call record has words that are known')
  return { state, mode, direction, media }
}
