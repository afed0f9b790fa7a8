#!lua flags=allow-oom
--[[
  trim_history: takes the oldest journal entries and their CDRs out of the store, which are archived, and adds what the
  entries come to to the checkpoint.

  KEYS
    journal     stream
    cdrs        stream  every revision of every CDR, id "<entry>-<level>"
    checkpoint  hash    n number of the last entry that went, and sums by name (ledger/checkpoint.ts)
    then for each account
    account     hash    txb, cdrb how many of the ids of tx and cdrx were taken out
    tx          list    numbers of journal entries that posted to the account
    cdrx        list    ids of the first CDR entries of the account's ended calls
    cdri        hash    call id, id of its newest CDR entry, where that was corrected

  ARGV
    before    number of the last entry that went before; 0 is none
    last      of those that go
    sums      how many; then for each its name and change
    accounts  how many; then for each
      cdrs     how many of the ids of its cdrx go
      calls    how many, and the id of each

  RETURNS
    trimmed
    changed  others went meanwhile

  KEEPS
    the checkpoint and the journal after it give every balance
    the place of an entry or CDR in the history of its account never changes
]]
local journal, cdrs, checkpoint = KEYS[1], KEYS[2], KEYS[3]
local before, last, sum_count = ARGV[1], ARGV[2], tonumber(ARGV[3])

if (redis.call('HGET', checkpoint, 'n') or '0') ~= before then return { 'changed' } end

local function add_sum(name, change)
  if redis.call('HINCRBY', checkpoint, name, change) == 0 then redis.call('HDEL', checkpoint, name) end
end

-- Numbers of entries that went are at the front of the list.
local function drop_numbers(tx)
  local dropped = 0
  local number = redis.call('LINDEX', tx, 0)
  while number and tonumber(number) <= tonumber(last) do
    redis.call('LPOP', tx)
    dropped = dropped + 1
    number = redis.call('LINDEX', tx, 0)
  end
  return dropped
end

local function count_dropped(account, field, dropped)
  if dropped > 0 then redis.call('HINCRBY', account, field, dropped) end
end

-- Nothing is refused below this line: Redis does not take back what a script wrote.
local at = 4
for _ = 1, sum_count do
  add_sum(ARGV[at], ARGV[at + 1])
  at = at + 2
end
local account_count = tonumber(ARGV[at])
at = at + 1
for index = 0, account_count - 1 do
  local account, tx, cdrx, cdri = KEYS[index * 4 + 4], KEYS[index * 4 + 5], KEYS[index * 4 + 6], KEYS[index * 4 + 7]
  local dropped, call_count = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  count_dropped(account, 'txb', drop_numbers(tx))
  if dropped > 0 then redis.call('LTRIM', cdrx, dropped, -1) end
  count_dropped(account, 'cdrb', dropped)
  for call = 1, call_count do redis.call('HDEL', cdri, ARGV[at + 1 + call]) end
  at = at + 2 + call_count
end
local first_kept = string.format('%.0f', tonumber(last) + 1)
redis.call('HSET', checkpoint, 'n', last)
redis.call('XTRIM', journal, 'MINID', '0-' .. first_kept)
redis.call('XTRIM', cdrs, 'MINID', first_kept .. '-0')
return { 'trimmed' }
