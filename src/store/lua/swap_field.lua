#!lua
--[[
  swap_field: writes a field of a hash if it still is what it was read as.

  KEYS
    hash  hash

  ARGV
    field
    before  its text; empty: it is not there
    after   its new text; empty: it is taken away
    most    how many fields there may be; 0: any number

  RETURNS
    swapped
    full     there are as many fields as there may be
    changed  somebody else wrote it meanwhile

  KEEPS
    the hash has no more than `most` fields
]]
local hash = KEYS[1]
local field, before, after, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

local found = redis.call('HGET', hash, field) or ''
if found ~= before then return { 'changed' } end
if before == '' and most > 0 and redis.call('HLEN', hash) >= most then return { 'full' } end

-- Nothing is refused below this line.
if after == '' then
  redis.call('HDEL', hash, field)
else
  redis.call('HSET', hash, field, after)
end
return { 'swapped' }
