#!lua flags=allow-oom
--[[
  forget_changed: the profiles that were archived are changed no more, but for those written again meanwhile.

  KEYS
    changed  zset  ids of accounts whose profile was written since it was archived, by its version

  ARGV
    count    how many, at most 1000; then for each
      id
      version  that was archived

  RETURNS
    forgotten

  KEEPS
    a profile whose newest version is not archived stays in the set
]]
local changed = KEYS[1]
local count = tonumber(ARGV[1])

for i = 1, count do
  local id, version = ARGV[i * 2], ARGV[i * 2 + 1]
  if redis.call('ZSCORE', changed, id) == version then redis.call('ZREM', changed, id) end
end
return { 'forgotten' }
