#!lua flags=allow-oom
--[[
  settle: ends a call or corrects its end: debits what was used, releases the rest, frees channels, writes the CDRs.

  KEYS
    journal   stream
    outbox    stream
    due       zset    leg key, scored by the instant something is due
    books     hash    "<currency>:revenue" micros, the other side of every debit
    cdrs      stream  every revision of every CDR, id "<entry>-<level>"
    call      string  "<revision>|<record>"
    then for each level
    account   hash    counters (ledger/journal.ts)
    live      set     leg keys of the account's calls
    own       set     leg keys on trunks of the call's direction
    two       set     leg keys on two-way trunks
    tx        list    numbers of journal entries that posted to the account
    cdrx      list    ids of the first CDR entries of the account's ended calls
    cdri      hash    call id, id of its newest CDR entry, where that was corrected

  ARGV
    now_ms
    expected_revision
    record             the text to write
    remember_ms        how long it is kept
    leg_key
    call_id
    corrects           1: the call had ended before; 0
    entry              journal entry; empty: nothing is counted
    levels             how many, 1 to 5; then for each
      id, currency, reserved (change), debit (less than zero gives back), credit_limit, frees (own | two | empty),
      leaves (1 | 0), day, month, low_thresholds or empty, recharge_threshold or empty, cdr JSON or empty,
      pools (how many), and for each: id, cycle, reserved, used, exactly or empty, low_thresholds or empty

  RETURNS
    settled
    unfit      figures; a pool has not what the settlement takes beyond its hold
    changed    the record found, or empty

  KEEPS
    the counters and the record move together, so a call is charged once
    books and posted counters of the partition sum to zero per currency
]]
--- @include journal
--- @include thresholds
--- @include level

local journal, outbox, due, books, cdrs, call = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local now_ms, expected_revision, record, remember_ms = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local leg_key, call_id, corrects, entry, level_count = ARGV[5], ARGV[6], ARGV[7] == '1', ARGV[8], tonumber(ARGV[9])

local function read_level(index, at)
  local key = 6 + (index - 1) * 7
  local level = {
    account = KEYS[key + 1], live = KEYS[key + 2], own = KEYS[key + 3], two = KEYS[key + 4],
    tx = KEYS[key + 5], cdrx = KEYS[key + 6], cdri = KEYS[key + 7],
    id = ARGV[at], currency = ARGV[at + 1],
    change = ARGV[at + 2], release = tonumber(ARGV[at + 2]), debit = tonumber(ARGV[at + 3]), credit_limit = tonumber(ARGV[at + 4]),
    frees = ARGV[at + 5], leaves = ARGV[at + 6] == '1', day = ARGV[at + 7], month = ARGV[at + 8],
    low = ARGV[at + 9], recharge = ARGV[at + 10], cdr = ARGV[at + 11],
  }
  local next_at
  level.pools, next_at = read_pools(at + 12)
  level.asks_spent = level.debit ~= 0
  return level, next_at
end

-- What is spent in a day or month is kept for the period in force only: what an earlier one gets back is no allowance in it.
local function count_spent(level)
  redis.call(
    'HSET', level.account,
    'sd', string.format('%s %.0f', level.day, math.max(0, level.spent_day + level.debit)),
    'sm', string.format('%s %.0f', level.month, math.max(0, level.spent_month + level.debit))
  )
end

local function post(level)
  if level.debit > 0 then redis.call('HINCRBY', level.account, 'dp', level.debit) end
  if level.debit < 0 then redis.call('HINCRBY', level.account, 'cp', 0 - level.debit) end
  redis.call('HINCRBY', books, level.currency .. ':revenue', level.debit)
  count_spent(level)
end

local function used_pools(level)
  for _, pool in ipairs(level.pools) do
    if pool.used ~= 0 then return true end
  end
  return false
end

local found = redis.call('GET', call)
if revision_of(found) ~= expected_revision then return { 'changed', found or '' } end

local levels = {}
local at = 10
local fits = true
for index = 1, level_count do
  levels[index], at = read_level(index, at)
  read_figures(levels[index])
  fits = fits and pools_fit(levels[index].pools)
end
if not fits then return answer_with_figures('unfit', levels) end

-- Nothing is refused below this line: Redis does not take back what a script wrote.
local balances = {}
for index, level in ipairs(levels) do
  if level.release ~= 0 then redis.call('HINCRBY', level.account, 'dr', level.change) end
  if level.debit ~= 0 then post(level) end
  move_pools(level)
  cross_pools(level, outbox, now_ms)
  local credit = level.credit - level.debit
  if level.release ~= 0 or level.debit ~= 0 then
    cross_thresholds(level, outbox, now_ms, credit - level.reserved - level.release + level.credit_limit)
  end
  if level.leaves then redis.call('SREM', level.live, leg_key) end
  if level.frees == 'own' then redis.call('SREM', level.own, leg_key) end
  if level.frees == 'two' then redis.call('SREM', level.two, leg_key) end
  balances[index] = string.format('%s=%.0f', level.id, credit)
end
local number = ''
if entry ~= '' then number = append_entry(journal, entry, table.concat(balances, ' ')) end
for index, level in ipairs(levels) do
  if level.debit ~= 0 or used_pools(level) then redis.call('RPUSH', level.tx, number) end
  if level.cdr ~= '' then
    local id = number .. '-' .. index
    redis.call('XADD', cdrs, id, 'j', level.cdr)
    if corrects then
      redis.call('HSET', level.cdri, call_id, id)
    else
      redis.call('RPUSH', level.cdrx, id)
    end
  end
end
redis.call('ZREM', due, leg_key)
redis.call('SET', call, record, 'PX', remember_ms)
return { 'settled' }
