#!lua
--[[
  move_payment: gives a payment its next state, with all that this does to the account.

  KEYS
    payment   hash    r revision, j JSON, n number of its receipt
    due       zset    payments, recharges and renewals by the instant they are looked after
    account   hash    counters (ledger/journal.ts), v profile version, thresholds told, rcpt receipts given
    profile   string  JSON of the profile
    books     hash    the other side of every posting
    journal   stream
    tx        list    numbers of journal entries that posted to the account
    outbox    stream
    recharge  hash    what the account buys by itself (lib/recharge.lua)
    charge    string  payment that the provider's charge was credited for; the payment where nothing is credited
    turns     zset    accounts by the instant the first cycle of their pools is over
    changed   zset    ids of accounts whose profile was written since it was archived, by its version
    records   zset    names of records by when they were written last (lib/records.lua)
    receipts  hash    number of a receipt of the account → its payment

  ARGV
    now_ms
    id                  of the payment
    expected_revision
    record              JSON of the payment
    lookup_at_ms        empty: all is known
    version             of the profile that the change was made with
    profile_text        JSON of the profile, whose version is one more; empty: it stays
    turns_at            of that profile: when the first cycle of its pools is over; empty: none is ever
    account_id
    currency
    credit_limit
    low_thresholds      micros or shares of the last purchase, by spaces; or empty
    low_hysteresis      micros, or empty
    recharge_threshold  or empty
    entry               journal entry; empty: no counter moves
    credits             1: a charge is credited, with a receipt; 0
    recharge_change     succeeded | succeeded_after_all (it was counted as failed) | failed | empty
    back_off_ms         of a recharge that failed: the first wait
    max_failures        with so many in a row it is paused
    day                 of a recharge: the periods that it counts in
    month
    amount              of the payment
    renew_at_ms         when bundles are tried to be bought again; or empty
    lists               how many moves and book moves and fields of events, then these:
      counter, change; book, change; and for each event how many fields, then name, value; its type comes first

  RETURNS
    moved          number of the receipt, or empty
    changed        another revision is stored
    stale_profile  the profile has another version
    refused        insufficient_credit  available; what is put aside is not there
    refused        minutes_used         seconds left; likewise
    refused        charge_credited      the payment that has the charge

  KEEPS
    a provider's charge is credited once, and has one receipt
    books and posted counters of the partition sum to zero per currency
    what is put aside for a refund was available
]]
--- @include journal
--- @include account
--- @include pool
--- @include thresholds
--- @include recharge
--- @include records

local payment, due, account, profile, books = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local journal, tx, outbox, recharge, charge = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local turns, changed, records, receipts = KEYS[11], KEYS[12], KEYS[13], KEYS[14]
local now_ms, id, expected_revision, record, lookup_at_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local version, profile_text, turns_at, account_id, currency = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local credit_limit, low_thresholds, low_hysteresis = tonumber(ARGV[11]), ARGV[12], ARGV[13]
local recharge_threshold, entry, credits, recharge_change = ARGV[14], ARGV[15], ARGV[16] == '1', ARGV[17]
local back_off_ms, max_failures, day, month = tonumber(ARGV[18]), tonumber(ARGV[19]), ARGV[20], ARGV[21]
local amount, renew_at_ms, lists = tonumber(ARGV[22]), ARGV[23], ARGV[24]
local move_count, book_count, event_count = string.match(lists, '^(%d+) (%d+) (%d+)$')

local at = 25
local function read_pairs(count)
  local pairs_read = {}
  for i = 1, tonumber(count) do
    pairs_read[i] = { ARGV[at], ARGV[at + 1] }
    at = at + 2
  end
  return pairs_read
end

local moves = read_pairs(move_count)
local book_moves = read_pairs(book_count)

local function change_of(counter)
  local sum = 0
  for _, move in ipairs(moves) do
    if move[1] == counter then sum = sum + tonumber(move[2]) end
  end
  return sum
end

if redis.call('HGET', payment, 'r') ~= expected_revision then return { 'changed' } end
local found = read_account(account)
if found.version ~= version then return { 'stale_profile' } end
local available = found.credit - found.reserved + credit_limit
local reserved = change_of('dr')
if reserved > 0 and available < reserved then return { 'refused', 'insufficient_credit', whole(available) } end
for _, move in ipairs(moves) do
  local pool = string.match(move[1], '^(p:.+:)r$')
  if pool and tonumber(move[2]) > 0 then
    local left = seconds_left(account, pool)
    if left < tonumber(move[2]) then return { 'refused', 'minutes_used', whole(left) } end
  end
end
if credits then
  local credited_for = redis.call('GET', charge)
  if credited_for then return { 'refused', 'charge_credited', credited_for } end
end

-- Nothing is refused below this line: Redis does not take back what a script wrote.
redis.call('HSET', payment, 'r', whole(tonumber(expected_revision) + 1), 'j', record)
if lookup_at_ms == '' then
  redis.call('ZREM', due, 'pay:' .. id)
else
  redis.call('ZADD', due, lookup_at_ms, 'pay:' .. id)
end
local receipt = ''
if credits then
  receipt = whole(redis.call('HINCRBY', account, 'rcpt', 1))
  redis.call('HSET', payment, 'n', receipt)
  redis.call('HSET', receipts, receipt, id)
  redis.call('SET', charge, id)
end
note_record(records, 'pay:' .. id)
if recharge_change ~= '' then note_record(records, 'recharge:' .. account_id) end
if profile_text ~= '' then
  local next_version = whole(tonumber(version) + 1)
  redis.call('HSET', account, 'v', next_version)
  redis.call('SET', profile, profile_text)
  redis.call('ZADD', changed, next_version, account_id)
  if turns_at == '' then
    redis.call('ZREM', turns, account_id)
  else
    redis.call('ZADD', turns, turns_at, account_id)
  end
end
if renew_at_ms ~= '' then redis.call('ZADD', due, renew_at_ms, 'bundles:' .. account_id) end

local posts = false
for _, move in ipairs(moves) do
  redis.call('HINCRBY', account, move[1], move[2])
  local granted = string.match(move[1], '^(p:.+:)g$')
  if granted and tonumber(move[2]) > 0 then rearm_pool(account, granted) end
  posts = posts or not string.match(move[1], 'r$')
end
for _, move in ipairs(book_moves) do redis.call('HINCRBY', books, move[1], move[2]) end
local credit = found.credit + change_of('cp') - change_of('dp')
available = credit - found.reserved - reserved + credit_limit
if entry ~= '' then
  local number = append_entry(journal, entry, posts and account_id .. '=' .. whole(credit) or '')
  if posts then redis.call('RPUSH', tx, number) end
end

local function tell(fields)
  redis.call('XADD', outbox, '*', unpack(fields))
end

local told = {}
for index = 1, tonumber(event_count) do
  local field_count = tonumber(ARGV[at])
  local fields = { 'type', ARGV[at + 1], 'account', account_id, 'at', now_ms }
  for i = at + 2, at + field_count do fields[#fields + 1] = ARGV[i] end
  if receipt ~= '' then
    fields[#fields + 1] = 'receipt'
    fields[#fields + 1] = account_id .. '-' .. receipt
  end
  at = at + field_count + 1
  told[index] = fields
  tell(fields)
end

local function tell_recharge(what, more)
  local fields = { 'type', 'recharge.' .. what }
  for i = 3, #told[1] do fields[i] = told[1][i] end
  for _, text in ipairs(more) do fields[#fields + 1] = text end
  tell(fields)
end

local bought = credits and change_of('cp') - change_of('dp') or 0
if bought > 0 then redis.call('HSET', account, 'lp', whole(bought)) end
local level = {
  account = account, id = account_id, currency = currency, low = low_thresholds, hysteresis = low_hysteresis,
  recharge = recharge_threshold, low_told = found.low_told, recharge_told = found.recharge_told,
  purchased = bought > 0 and bought or found.purchased,
}
local retry = 'recharge:' .. account_id
if recharge_change ~= '' and redis.call('HGET', recharge, 'flight') == id then redis.call('HDEL', recharge, 'flight') end
if recharge_change == 'succeeded' or recharge_change == 'succeeded_after_all' then
  if recharge_change == 'succeeded_after_all' then
    count_charged(recharge, 'day', { period = day, amount = amount })
    count_charged(recharge, 'month', { period = month, amount = amount })
  end
  redis.call('HDEL', recharge, 'failures', 'next')
  redis.call('ZREM', due, retry)
  tell_recharge('succeeded', {})
  -- What was used meanwhile may leave the account below its threshold: then it is armed again, and told again.
  if recharge_threshold ~= '' and available < tonumber(recharge_threshold) then level.recharge_told = nil end
elseif recharge_change == 'failed' then
  count_charged(recharge, 'day', { period = day, amount = 0 - amount })
  count_charged(recharge, 'month', { period = month, amount = 0 - amount })
  local failures = redis.call('HINCRBY', recharge, 'failures', 1)
  if failures >= max_failures then
    redis.call('HSET', recharge, 'paused', 'failures')
    redis.call('HDEL', recharge, 'next')
    redis.call('ZREM', due, retry)
    tell_recharge('failed', { 'failures', whole(failures) })
    tell({
      'type', 'recharge.paused', 'account', account_id, 'at', now_ms, 'reason', 'failures', 'failures', whole(failures),
    })
  else
    local next_ms = whole(tonumber(now_ms) + back_off_ms * 2 ^ (failures - 1))
    redis.call('HSET', recharge, 'next', next_ms)
    redis.call('ZADD', due, next_ms, retry)
    tell_recharge('failed', { 'failures', whole(failures), 'nextAt', next_ms })
  end
end
if credits then rearm_thresholds(level, outbox, now_ms, available) end
cross_thresholds(level, outbox, now_ms, available)
return { 'moved', receipt }
