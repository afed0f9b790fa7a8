/**
 * Every key's name. Keys of one account tree carry the hash tag of its partition, so one script may touch them all on a
 * cluster; the keys without a tag are touched one at a time.
 */

/** Field of `meta` that is there while a store is built anew: what it has until then is not all. */
export const RESTORING = 'restoring'

/** CRC-16/XMODEM, as Redis Cluster uses it for slots. */
function crc16(text: string): number {
  let crc = 0
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff
  }
  return crc
}

export class Keys {
  readonly prefix: string

  constructor(prefix = 'tg') {
    this.prefix = prefix
  }

  /**
   * hash: partitions, installed_at; archive that it has, beats how often that looked after it; restoring;
   * what of the config folder was put to use, as tariff:<name> and account:<id>
   */
  meta = (): string => `${this.prefix}:meta`
  /** string: id of the account's root */
  directory = (account: string): string => `${this.prefix}:dir:${account}`
  /** string: partition of the call that claimed the leg */
  leg = (legKey: string): string => `${this.prefix}:leg:${legKey}`
  /** hash: tariff name → JSON of its versions and schedule; ":revision" of the whole book */
  tariffs = (): string => `${this.prefix}:tariffs`
  /** string: gzip of the head and rates of every version that has this content */
  tariffContent = (sha256: string): string => `${this.prefix}:tariff:${sha256}`
  /** hash: key id → JSON (hash of the secret, scopes, …) */
  apiKeys = (): string => `${this.prefix}:apikeys`
  /** channel on which daemons tell each other that the tariff book or a profile changed */
  news = (): string => `${this.prefix}:news`
  /** stream: events that cannot be rated and wait for a person */
  parked = (): string => `${this.prefix}:parked`
  /** string: until when one daemon has the turn to do what is named */
  turn = (name: string): string => `${this.prefix}:turn:${name}`
  /** stream: the newest events of all partitions */
  events = (): string => `${this.prefix}:events`
  /** string: is there while somebody listens to ends of calls */
  listening = (): string => `${this.prefix}:listening`
  /** hash: id of a webhook endpoint → JSON of it */
  webhooks = (): string => `${this.prefix}:webhooks`
  /** stream: the newest deliveries to a webhook endpoint */
  deliveries = (endpoint: string): string => `${this.prefix}:deliveries:${endpoint}`
  /** hash: json of an export, its state, the attempt under way; goes away by itself. All exports are in one slot */
  export = (id: string): string => `${this.prefix}:{exports}:${id}`
  /** zset: ids of the exports of an account by the instant they expire */
  exports = (account: string): string => `${this.prefix}:{exports}:of:${account}`
  /** what all keys of one queue begin with; all of them are in one slot */
  queue = (name: string): string => `${this.prefix}:{jobs-${name}}`
  /** hash: provider's charge → JSON; charges that no payment of ours was made with */
  strayCharges = (): string => `${this.prefix}:straycharges`
  /** hash: payment → JSON of what the sandbox did for it, and card tokens and keys it knows */
  sandbox = (): string => `${this.prefix}:sandbox`

  /** hash: t revision of the tariff book */
  head = (partition: number): string => this.#tagged(partition, 'head')
  /** stream: 0-n → e, b (ledger/journal.ts) */
  journal = (partition: number): string => this.#tagged(partition, 'journal')
  /** hash: n the last entry that left the journal; sums of all that left, by name (ledger/checkpoint.ts) */
  checkpoint = (partition: number): string => this.#tagged(partition, 'checkpoint')
  /** stream: events for jobs and webhooks */
  outbox = (partition: number): string => this.#tagged(partition, 'outbox')
  /** stream: n-level → cdr JSON; every revision */
  cdrs = (partition: number): string => this.#tagged(partition, 'cdrs')
  /** zset: leg key by the instant something is due */
  due = (partition: number): string => this.#tagged(partition, 'due')
  /** zset: account ids by the instant the first cycle of their pools is over */
  turns = (partition: number): string => this.#tagged(partition, 'turns')
  /** zset: account ids by the instant that a month of their storage is closed or settled */
  storageDue = (partition: number): string => this.#tagged(partition, 'storagedue')
  /** zset: account ids, score 0 */
  accounts = (partition: number): string => this.#tagged(partition, 'accounts')
  /** hash: "<currency>:revenue|funding|payments" → micros; the other side of every posting */
  books = (partition: number): string => this.#tagged(partition, 'books')
  /** string: "<revision>|<JSON of the record>" */
  call = (partition: number, legKey: string): string => this.#tagged(partition, `call:${legKey}`)
  /**
   * hash: v profile version; cp dp dr and pool counters; sd sm "<period> <micros>" spent in day and month; lp the last
   * purchase; what was told: low (micros) and t:<pool> ("<cycle> <seconds>") the lowest threshold, rech flag, lown and
   * rechn how often, capd and capm the last day and month whose cap refused; rcpt receipts that were given;
   * txb and cdrb how many transactions and CDRs are archived only
   */
  account = (partition: number, account: string): string => this.#tagged(partition, `acct:${account}`)
  /** string: JSON of the profile */
  profile = (partition: number, account: string): string => this.#tagged(partition, `profile:${account}`)
  /** zset: ids of accounts whose profile was written since it was archived, by its version */
  changed = (partition: number): string => this.#tagged(partition, 'changed')
  /** zset: ids of the direct children, score 0 */
  children = (partition: number, account: string): string => this.#tagged(partition, `kids:${account}`)
  /** set: leg keys of live calls through the account */
  live = (partition: number, account: string): string => this.#tagged(partition, `live:${account}`)
  /** set: leg keys of calls on the account's trunk of this kind */
  channels = (partition: number, account: string, kind: 'inbound' | 'outbound' | 'twoWay'): string =>
    this.#tagged(partition, `ch:${account}:${kind}`)
  /** list: numbers of the journal entries that posted to the account */
  transactions = (partition: number, account: string): string => this.#tagged(partition, `tx:${account}`)
  /** list: ids of the first CDR entries of the account's ended calls, in the order they were settled */
  cdrOrder = (partition: number, account: string): string => this.#tagged(partition, `cdrx:${account}`)
  /** hash: call id → id of its newest entry in the CDR stream, of calls that were corrected */
  cdrIndex = (partition: number, account: string): string => this.#tagged(partition, `cdri:${account}`)
  /** string: content hash and answer of a money operation, for ever */
  operation = (partition: number, account: string, id: string): string => this.#tagged(partition, `op:${account}:${id}`)

  /** string: is there for a while when what has this digest was told to the outbox */
  told = (partition: number, what: string): string => this.#tagged(partition, `told:${what}`)
  /** string: what became of the mail with this digest, for a while */
  notice = (partition: number, mail: string): string => this.#tagged(partition, `notice:${mail}`)
  /** zset: news that the account was told lately, by instant */
  notices = (partition: number, account: string): string => this.#tagged(partition, `notices:${account}`)
  /** zset: names of payments, cards, recharges and storage by when they were written last (lua/lib/records.lua) */
  records = (partition: number): string => this.#tagged(partition, 'records')
  /** the record with this name */
  record = (partition: number, name: string): string => this.#tagged(partition, name)
  /** hash: r revision, j JSON of the payment, n number of its receipt, op and oc its operation's id and content */
  payment = (partition: number, id: string): string => this.#tagged(partition, `pay:${id}`)
  /** zset: ids of the partition's payments by the instant they were opened */
  payments = (partition: number): string => this.#tagged(partition, 'pays')
  /** zset: "pay:<payment>", "recharge:<account>" and "bundles:<account>" by the instant they are looked after next */
  paymentsDue = (partition: number): string => this.#tagged(partition, 'paysdue')
  /** list: ids of the account's payments, oldest first */
  paymentOrder = (partition: number, account: string): string => this.#tagged(partition, `paysof:${account}`)
  /** hash: number of a receipt of the account → id of its payment */
  receipts = (partition: number, account: string): string => this.#tagged(partition, `receipts:${account}`)
  /** string: id of the payment that a provider's charge was credited for */
  charge = (partition: number, charge: string): string => this.#tagged(partition, `charge:${charge}`)
  /** string: "<revision>|<JSON of the account's cards>" */
  cards = (partition: number, account: string): string => this.#tagged(partition, `cards:${account}`)
  /** string: "<revision>|<JSON of the months of what the account stores>" */
  storage = (partition: number, account: string): string => this.#tagged(partition, `storage:${account}`)
  /** string: JSON of what was reviewed and not yet confirmed; goes away by itself */
  order = (partition: number, id: string): string => this.#tagged(partition, `order:${id}`)
  /** hash: what an account buys by itself (lua/lib/recharge.lua) */
  recharge = (partition: number, account: string): string => this.#tagged(partition, `recharge:${account}`)

  #tagged(partition: number, name: string): string {
    return `${this.prefix}:{${partition}}:${name}`
  }
}

export function partitionOf(root: string, partitions: number): number {
  return crc16(root) % partitions
}
