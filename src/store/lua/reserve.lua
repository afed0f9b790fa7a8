#!lua
--[[
  reserve: puts aside what a call may use next, at every level of its chain, if the plan still fits.

  KEYS
    head      hash    t revision of the tariff book
    journal   stream
    outbox    stream
    due       zset    leg key, scored by due_at_ms
    call      string  "<revision>|<record>"
    leg       string  partition of the call; the call's own key where the leg was claimed before (cluster)
    then for each level
    account   hash    counters (ledger/journal.ts), v profile version, thresholds told, spent day and month
    live      set     leg keys of the account's calls
    own       set     leg keys on trunks of the call's direction
    two       set     leg keys on two-way trunks

  ARGV
    now_ms
    mode               plan | look | forced
    expected_revision  0: there is no record
    record             the text to write
    due_at_ms
    leg_key
    leg_value          partition; empty: the leg is not claimed here
    leg_before         another partition whose claim is void; or empty
    leg_ttl_ms
    tariff_revision
    entry              journal entry; empty: nothing is counted
    levels             how many, 1 to 5; then for each
      id, currency, version, credit (change of what is put aside), credit_limit, exactly_available or empty,
      own_limit, two_limit (empty: trunks are not asked), takes (own | two | empty), joins (1 | 0),
      call_limit or empty, day, month, day_cap or empty, month_cap or empty, low_thresholds or empty,
      recharge_threshold or empty, pools (how many), and for each: id, cycle, reserved, used, exactly or empty,
      low_thresholds or empty

  RETURNS
    reserved       figures of each level as they were before
    unfit          figures; the plan does not fit them, or the mode is look
    changed        the record found, or empty
    leg_elsewhere  partition that the leg is claimed for
    stale_profile  id of the account
    stale_tariffs

  KEEPS
    dr is the sum of the credit put aside by the account's live calls
    credit + credit_limit - dr is never taken below zero by a plan
    the sets own and two never hold more members than their limits allow when one is added
]]
--- @include journal
--- @include thresholds
--- @include level

local head, journal, outbox, due, call, leg = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local now_ms, mode, expected_revision, record, due_at_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local leg_key, leg_value, leg_before, leg_ttl_ms = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local tariff_revision, entry, level_count = ARGV[10], ARGV[11], tonumber(ARGV[12])
local forced = mode == 'forced'

local function read_level(index, at)
  local key = 6 + (index - 1) * 4
  local level = {
    account = KEYS[key + 1], live = KEYS[key + 2], own = KEYS[key + 3], two = KEYS[key + 4],
    id = ARGV[at], currency = ARGV[at + 1], version = ARGV[at + 2],
    change = ARGV[at + 3], add = tonumber(ARGV[at + 3]), credit_limit = tonumber(ARGV[at + 4]), exactly = number_or(ARGV[at + 5], nil),
    own_limit = number_or(ARGV[at + 6], nil), two_limit = number_or(ARGV[at + 7], nil), takes = ARGV[at + 8],
    joins = ARGV[at + 9] == '1', call_limit = number_or(ARGV[at + 10], nil),
    day = ARGV[at + 11], month = ARGV[at + 12],
    day_cap = number_or(ARGV[at + 13], nil), month_cap = number_or(ARGV[at + 14], nil),
    low = ARGV[at + 15], recharge = ARGV[at + 16],
  }
  local next_at
  level.pools, next_at = read_pools(at + 17)
  level.asks_spent = level.day_cap ~= nil or level.month_cap ~= nil
  level.asks_calls = level.call_limit ~= nil
  level.asks_trunks = level.own_limit ~= nil
  return level, next_at
end

local function trunk_fits(level)
  if not level.own_limit then return true end
  local own_free = level.own_used < level.own_limit
  local two_free = level.two_used < level.two_limit
  if level.takes == 'own' then return own_free end
  if level.takes == 'two' then return two_free and not own_free end
  return not own_free and not two_free
end

local function credit_fits(level)
  local available = level.credit - level.reserved + level.credit_limit
  if level.exactly and level.exactly ~= available then return false end
  if forced or level.add <= 0 then return true end
  if level.add > available then return false end
  local promised = level.reserved + level.add
  if level.day_cap and level.spent_day + promised > level.day_cap then return false end
  return not level.month_cap or level.spent_month + promised <= level.month_cap
end

local function level_fits(level)
  local limited = level.joins and level.call_limit and not forced
  if limited and level.calls >= level.call_limit then return false end
  return trunk_fits(level) and credit_fits(level) and pools_fit(level.pools)
end

-- Where the leg is now comes first: what is found here may be the tombstone of an older attempt.
if leg_value ~= '' then
  local claimed = redis.call('GET', leg)
  if claimed and claimed ~= leg_value and claimed ~= leg_before then return { 'leg_elsewhere', claimed } end
end
local found = redis.call('GET', call)
if revision_of(found) ~= expected_revision then return { 'changed', found or '' } end
if (redis.call('HGET', head, 't') or '0') ~= tariff_revision then return { 'stale_tariffs' } end

local levels = {}
local at = 13
local fits = mode ~= 'look'
for index = 1, level_count do
  levels[index], at = read_level(index, at)
  local level = levels[index]
  read_figures(level)
  if level.found_version ~= level.version then return { 'stale_profile', level.id } end
  fits = fits and level_fits(level)
end
if not fits then
  count_the_rest(levels)
  return answer_with_figures('unfit', levels)
end

-- Nothing is refused below this line: Redis does not take back what a script wrote.
for _, level in ipairs(levels) do
  if level.add ~= 0 then
    redis.call('HINCRBY', level.account, 'dr', level.change)
    cross_thresholds(level, outbox, now_ms, level.credit - level.reserved - level.add + level.credit_limit)
  end
  move_pools(level)
  cross_pools(level, outbox, now_ms)
  if level.joins then redis.call('SADD', level.live, leg_key) end
  if level.takes == 'own' then redis.call('SADD', level.own, leg_key) end
  if level.takes == 'two' then redis.call('SADD', level.two, leg_key) end
end
if entry ~= '' then append_entry(journal, entry, '') end
redis.call('SET', call, record)
redis.call('ZADD', due, due_at_ms, leg_key)
if leg_value ~= '' then redis.call('SET', leg, leg_value, 'PX', leg_ttl_ms) end
return answer_with_figures('reserved', levels)
