#!lua flags=allow-oom
--[[
  mark: writes a call's record where no money moves: answered, alive, ending, a tombstone.

  KEYS
    due   zset    leg key, scored by the instant something is due
    call  string  "<revision>|<record>"
    leg   string  partition of the call; the call's own key where the leg is not claimed here

  ARGV
    expected_revision  0: there is no record
    record             the text to write
    due_at_ms          empty: nothing is due
    remember_ms        empty: until it ends
    leg_key
    leg_value          partition; empty: the leg is not claimed here
    leg_before         another partition whose claim is void; or empty
    leg_ttl_ms

  RETURNS
    marked
    changed        the record found, or empty
    leg_elsewhere  partition that the leg is claimed for

  KEEPS
    a record is written over the one that was read, never over another
]]
--- @include level

local due, call, leg = KEYS[1], KEYS[2], KEYS[3]
local expected_revision, record, due_at_ms, remember_ms = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local leg_key, leg_value, leg_before, leg_ttl_ms = ARGV[5], ARGV[6], ARGV[7], ARGV[8]

-- Where the leg is now comes first: what is found here may be the tombstone of an older attempt.
if leg_value ~= '' then
  local claimed = redis.call('GET', leg)
  if claimed and claimed ~= leg_value and claimed ~= leg_before then return { 'leg_elsewhere', claimed } end
end
local found = redis.call('GET', call)
if revision_of(found) ~= expected_revision then return { 'changed', found or '' } end

-- Nothing is refused below this line: Redis does not take back what a script wrote.
if remember_ms ~= '' then
  redis.call('SET', call, record, 'PX', remember_ms)
else
  redis.call('SET', call, record)
end
if due_at_ms ~= '' then redis.call('ZADD', due, due_at_ms, leg_key) end
if leg_value ~= '' then redis.call('SET', leg, leg_value, 'PX', leg_ttl_ms) end
return { 'marked' }
