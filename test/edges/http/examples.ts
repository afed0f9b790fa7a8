/** An account and a call that tests change a little. */
import type { AccountProfile } from '../../../src/accounts/account.ts'
import type { ProfileInput } from '../../../src/accounts/office.ts'
import type { CallRecord } from '../../../src/calls/call.ts'
import { type Cdr, cdrOf } from '../../../src/usage/cdr.ts'
import type { Allowed } from '../../../src/calls/requests.ts'

const AT_MS = Date.UTC(2026, 10, 23, 9, 59)

export function profile(id: string, change: ProfileInput & { readonly root?: string } = {}): AccountProfile {
  return {
    id,
    name: `Account ${id}`,
    root: id,
    status: 'active',
    currency: 'USD',
    timezone: 'UTC',
    creditLimit: 0n,
    funding: ['trunk', 'pool', 'credit'],
    cycleDay: 1,
    trunks: { inbound: 0, outbound: 0, twoWay: 0 },
    pools: [],
    blockedPrefixes: [],
    spendCaps: {},
    onEngineError: 'deny',
    engineErrorSeconds: 60,
    engineErrorCalls: 5,
    version: 1,
    createdAtMs: AT_MS,
    ...change,
  }
}

export const allowed: Allowed = {
  kind: 'allowed',
  call: '01JDBXGZ2K0000000000000001',
  account: 'acme',
  currency: 'USD',
  maxDurationSeconds: 540,
  reservedSeconds: 60,
  reserved: 20_000n,
  final: false,
  fundedBy: 'credit',
}

/** Answered; acme pays, its reseller and the platform above pay their own prices. */
export function callRecord(change: Partial<CallRecord> = {}): CallRecord {
  return {
    revision: 2,
    call: allowed.call,
    partition: 3,
    legKey: '00000000000001',
    leg: { node: 'kam1', callId: 'call-1', legId: 'tag-1' },
    state: 'answered',
    content: 'hash',
    mode: 'clock',
    direction: 'outbound',
    from: '+12025550100',
    to: '+442079460958',
    media: 'voice',
    account: 'acme',
    authorizedAtMs: AT_MS,
    answeredAtMs: AT_MS + 5_000,
    lastAliveAtMs: AT_MS + 5_000,
    absences: 0,
    grantedSeconds: 60,
    maxDurationSeconds: 540,
    levels: ['acme', 'reseller', 'platform'].map((account) => ({
      account,
      currency: 'USD',
      tariff: { name: `${account}-prices`, version: 1 },
      hold: { pools: [], credit: 20_000n },
    })),
    corrections: 0,
    history: [{ atMs: AT_MS, what: 'authorized' }],
    ...change,
  }
}

/** An ended call of acme, as it is charged to acme. */
export function cdrExample(): Cdr {
  const record = callRecord({
    state: 'ended',
    end: { endedAtMs: AT_MS + 65_000, seconds: 60, cause: 'caller_bye', presumed: false, heardAtMs: AT_MS + 65_000 },
  })
  const charge = { micros: 20_000n, billedSeconds: 60, pools: [], overrunSeconds: 0 }
  const [level] = record.levels
  if (!level) throw new Error('a call has a payer')
  return cdrOf({ record, index: 0, level, charge, flags: [] })
}
