#!lua
--[[
  put_record: writes a record over the revision that was read.

  KEYS
    record   string  "<revision>|<text>"
    records  zset    names of records by when they were written last (lib/records.lua)

  ARGV
    expected_revision  0: there is no record
    text
    name               of the record

  RETURNS
    saved
    changed  another revision is stored

  KEEPS
    of two who write over one revision, one does
]]
--- @include level
--- @include records

local record, records = KEYS[1], KEYS[2]
local expected_revision, text, name = tonumber(ARGV[1]), ARGV[2], ARGV[3]

if revision_of(redis.call('GET', record)) ~= expected_revision then return { 'changed' } end

-- Nothing is refused below this line: Redis does not take back what a script wrote.
redis.call('SET', record, string.format('%d|%s', expected_revision + 1, text))
note_record(records, name)
return { 'saved' }
