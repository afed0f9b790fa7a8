#!lua
--[[
  put_storage: writes what was reported of an account's storage over the revision that was read.

  KEYS
    storage  string  "<revision>|<text>"
    due      zset    ids of accounts by the instant that a month of theirs is closed or settled
    records  zset    names of records by when they were written last (lib/records.lua)

  ARGV
    expected_revision  0: nothing was reported
    text
    account_id
    due_at_ms          empty: nothing is to be done

  RETURNS
    saved
    changed  another revision is stored

  KEEPS
    of two who write over one revision, one does
    an account with a month to close or to settle is among those that are due
]]
--- @include level
--- @include records

local storage, due, records = KEYS[1], KEYS[2], KEYS[3]
local expected_revision, text, account_id, due_at_ms = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]

if revision_of(redis.call('GET', storage)) ~= expected_revision then return { 'changed' } end

-- Nothing is refused below this line: Redis does not take back what a script wrote.
redis.call('SET', storage, string.format('%d|%s', expected_revision + 1, text))
if due_at_ms == '' then
  redis.call('ZREM', due, account_id)
else
  redis.call('ZADD', due, due_at_ms, account_id)
end
note_record(records, 'storage:' .. account_id)
return { 'saved' }
