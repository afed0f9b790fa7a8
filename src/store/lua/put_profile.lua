#!lua
--[[
  put_profile: writes the profile of an account over the version that was read, and grants what its pools now have.

  KEYS
    account         hash    counters (ledger/journal.ts), v profile version, thresholds told
    profile         string  JSON of the profile
    accounts        zset    ids of the partition's accounts
    children        zset    ids of the account's children
    live            set     leg keys of the account's calls
    tx              list    numbers of journal entries that posted to the account
    cdrx            list    ids of the account's ended calls
    parent          hash    account of the parent; the account itself where there is none
    parent_children zset    children of the parent; the account's own where there is none
    operation       string  content and answer of this operation; the profile where there is none
    journal         stream
    outbox          stream
    turns           zset    accounts by the instant the first cycle of their pools is over
    changed         zset    ids of accounts whose profile was written since it was archived, by its version
    payments        list    ids of the account's payments
    due             zset    payments, recharges and renewals by the instant they are looked after

  ARGV
    now_ms
    expected_version    0: there is no account
    text                JSON of the profile, whose version is one more
    id
    currency
    currency_changes    1 | 0
    parent_version      empty: the parent is not to be checked
    credit_limit
    low_thresholds      micros or shares of the last purchase, by spaces; or empty
    low_hysteresis      micros, or empty
    recharge_threshold  or empty
    content             hash of what was asked; empty: there is no operation
    answer              of the operation
    entry               journal entry; empty: no counter moves
    turns_at            when the first cycle of its pools is over; empty: none is ever
    renew_at_ms         when bundles are bought again; empty: not by this
    grants              how many, at most 1000; then for each
      counter           "p:<pool>:<cycle>:"
      seconds           change of what is granted
      from              counter of the cycle before, of which a part rolls over; empty: none does
      left              what was left of that when the change was worked out
    event               type for the outbox, and its fields and values; none: nothing is told

  RETURNS
    saved
    replayed          the answer, when the operation came before
    version_conflict  another version is stored
    parent_changed    the parent has another version
    figures_changed   something else is left of a cycle before
    refused           request_conflict   the operation came before with other content
    refused           currency_is_fixed  the account has children, calls, entries or payments

  KEEPS
    v is the version in the profile's text
    a pool's granted seconds are what its cycle grants, also when more was used before they were lowered
]]
--- @include journal
--- @include account
--- @include operation
--- @include pool
--- @include thresholds

local account, profile, accounts, children, live = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local tx, cdrx, parent, parent_children, operation = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local journal, outbox, turns, changed, payments, due = KEYS[11], KEYS[12], KEYS[13], KEYS[14], KEYS[15], KEYS[16]
local now_ms, expected_version, text, id, currency = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local currency_changes, parent_version, credit_limit = ARGV[6] == '1', ARGV[7], tonumber(ARGV[8])
local low_thresholds, low_hysteresis, recharge_threshold = ARGV[9], ARGV[10], ARGV[11]
local content, answer, entry, turns_at, renew_at_ms = ARGV[12], ARGV[13], ARGV[14], ARGV[15], ARGV[16]
local grant_count = tonumber(ARGV[17])
local FIRST_GRANT, FIELDS_OF_GRANT = 18, 4

local function is_used(found)
  if found.credited ~= 0 or found.debited ~= 0 or found.reserved ~= 0 then return true end
  return redis.call('EXISTS', children, live, tx, cdrx, payments) > 0
end

local grants = {}
for i = 1, grant_count do
  local at = FIRST_GRANT + (i - 1) * FIELDS_OF_GRANT
  grants[i] = { counter = ARGV[at], seconds = tonumber(ARGV[at + 1]), from = ARGV[at + 2], left = tonumber(ARGV[at + 3]) }
end

if content ~= '' then
  local past = past_operation(operation, content)
  if past then return past end
end
local found = read_account(account)
if found.version ~= expected_version then return { 'version_conflict' } end
if parent_version ~= '' and redis.call('HGET', parent, 'v') ~= parent_version then return { 'parent_changed' } end
for _, grant in ipairs(grants) do
  if grant.from ~= '' and math.max(0, seconds_left(account, grant.from)) ~= grant.left then return { 'figures_changed' } end
end
if currency_changes and is_used(found) then return { 'refused', 'currency_is_fixed' } end

-- Nothing is refused below this line: Redis does not take back what a script wrote.
local version = whole(tonumber(expected_version) + 1)
redis.call('HSET', account, 'v', version)
redis.call('ZADD', changed, version, id)
redis.call('SET', profile, text)
redis.call('ZADD', accounts, 0, id)
if parent_version ~= '' then redis.call('ZADD', parent_children, 0, id) end
if turns_at == '' then
  redis.call('ZREM', turns, id)
else
  redis.call('ZADD', turns, turns_at, id)
end
if renew_at_ms ~= '' then redis.call('ZADD', due, renew_at_ms, 'bundles:' .. id) end
for _, grant in ipairs(grants) do
  if grant.seconds ~= 0 then redis.call('HINCRBY', account, grant.counter .. 'g', grant.seconds) end
  if grant.seconds > 0 then rearm_pool(account, grant.counter) end
end
if entry ~= '' then
  local number = append_entry(journal, entry, id .. '=' .. whole(found.credit))
  redis.call('RPUSH', tx, number)
end
-- That an account without a limit has nothing before money came in is no news.
local has_begun = found.credited ~= 0 or found.debited ~= 0 or credit_limit ~= 0
local level = {
  account = account, id = id, currency = currency, low = has_begun and low_thresholds or '', hysteresis = low_hysteresis,
  recharge = recharge_threshold, low_told = found.low_told, recharge_told = found.recharge_told, purchased = found.purchased,
}
local available = found.credit - found.reserved + credit_limit
rearm_thresholds(level, outbox, now_ms, available)
cross_thresholds(level, outbox, now_ms, available)
local event_at = FIRST_GRANT + grant_count * FIELDS_OF_GRANT
if ARGV[event_at] then
  redis.call(
    'XADD', outbox, '*', 'type', ARGV[event_at], 'account', id, 'at', now_ms, unpack(ARGV, event_at + 1, #ARGV)
  )
end
if content ~= '' then keep_operation(operation, content, answer) end
return { 'saved' }
