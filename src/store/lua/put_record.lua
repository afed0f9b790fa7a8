#!lua
--[[
  put_record: writes a record over the revision that was read.

  KEYS
    record  string  "<revision>|<text>"

  ARGV
    expected_revision  0: there is no record
    text

  RETURNS
    saved
    changed  another revision is stored

  KEEPS
    of two who write over one revision, one does
]]
--- @include level

local record = KEYS[1]
local expected_revision, text = tonumber(ARGV[1]), ARGV[2]

if revision_of(redis.call('GET', record)) ~= expected_revision then return { 'changed' } end

-- Nothing is refused below this line: Redis does not take back what a script wrote.
redis.call('SET', record, string.format('%d|%s', expected_revision + 1, text))
return { 'saved' }
