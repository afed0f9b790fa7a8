#!lua
--[[
  open_payment: stores the intent of a payment before the provider is asked, once for each id and each operation.

  KEYS
    payment    hash    r revision, j JSON, op and oc its operation's id and content
    operation  string  content and answer of this operation; the payment where there is none
    account    hash    counters (ledger/journal.ts), v profile version
    due        zset    payments, recharges and renewals by the instant they are looked after
    payments   zset    ids of the partition's payments by the instant they were opened
    order      list    ids of the account's payments
    recharge   hash    what the account buys by itself (lib/recharge.lua)
    records    zset    names of records by when they were written last (lib/records.lua)

  ARGV
    now_ms
    id
    record         JSON of the payment
    lookup_at_ms
    content        hash of what was asked; empty: there is no operation
    version        of the profile that the request was checked with
    refusal        code that the profile and the policy refuse it with; empty: none
    amount         micros
    threshold      of a recharge: only below this available credit; empty: it is none
    credit_limit
    day            of a recharge, in the zone of the account
    month
    day_cap        or empty
    month_cap      or empty
    account_id
    operation_id   or empty
    after          of a renewal: the newest payment of one when it was decided on, "-" for none; empty: it is none

  RETURNS
    opened
    replayed       id of the payment, when the operation or the payment came before
    stale_profile  the profile has another version
    refused        request_conflict    the operation came before with other content
    refused        the given refusal
    refused        amount_too_large    the credit would reach 2^53
    refused        recharge_not_due    available credit is not below the threshold
    refused        recharge_in_flight  the payment that is under way
    refused        recharge_paused
    refused        recharge_capped     day | month
    refused        renewal_in_flight   the newest payment of a renewal

  KEEPS
    an account has at most one recharge under way, and renewals one after the other
    what is charged or may be in a day and month is not above its cap
]]
--- @include journal
--- @include account
--- @include operation
--- @include recharge
--- @include records

local payment, operation, account, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local payments, order, recharge, records = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local now_ms, id, record, lookup_at_ms, content = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local version, refusal, amount, threshold = ARGV[6], ARGV[7], tonumber(ARGV[8]), ARGV[9]
local credit_limit, day, month, day_cap, month_cap = tonumber(ARGV[10]), ARGV[11], ARGV[12], ARGV[13], ARGV[14]
local account_id, operation_id, after = ARGV[15], ARGV[16], ARGV[17]

local function beyond(field, period, cap)
  if cap == '' then return false end
  return charged_in(redis.call('HGET', recharge, field), period) + amount > tonumber(cap)
end

if content ~= '' then
  local past = past_operation(operation, content)
  if past then return past end
end
if redis.call('EXISTS', payment) == 1 then return { 'replayed', id } end
local found = read_account(account)
if found.version ~= version then return { 'stale_profile' } end
if refusal ~= '' then return { 'refused', refusal } end
if found.credited + amount >= 2 ^ 53 then return { 'refused', 'amount_too_large' } end
if threshold ~= '' then
  local flight = redis.call('HGET', recharge, 'flight')
  if flight then return { 'refused', 'recharge_in_flight', flight } end
  if redis.call('HEXISTS', recharge, 'paused') == 1 then return { 'refused', 'recharge_paused' } end
  local available = found.credit - found.reserved + credit_limit
  if available >= tonumber(threshold) then return { 'refused', 'recharge_not_due', whole(available) } end
  if beyond('day', day, day_cap) then return { 'refused', 'recharge_capped', 'day' } end
  if beyond('month', month, month_cap) then return { 'refused', 'recharge_capped', 'month' } end
end
if after ~= '' then
  local newest = redis.call('HGET', recharge, 'renewal') or '-'
  if newest ~= after then return { 'refused', 'renewal_in_flight', newest } end
end

-- Nothing is refused below this line: Redis does not take back what a script wrote.
redis.call('HSET', payment, 'r', 1, 'j', record)
redis.call('ZADD', due, lookup_at_ms, 'pay:' .. id)
redis.call('ZADD', payments, now_ms, id)
redis.call('RPUSH', order, id)
note_record(records, 'pay:' .. id)
if content ~= '' then
  keep_operation(operation, content, id)
  redis.call('HSET', payment, 'op', operation_id, 'oc', content)
end
if after ~= '' then
  redis.call('HSET', recharge, 'renewal', id)
  note_record(records, 'recharge:' .. account_id)
end
if threshold ~= '' then
  redis.call('HSET', recharge, 'flight', id)
  count_charged(recharge, 'day', { period = day, amount = amount })
  count_charged(recharge, 'month', { period = month, amount = amount })
  note_record(records, 'recharge:' .. account_id)
end
return { 'opened' }
