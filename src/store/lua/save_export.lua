#!lua
--[[
  save_export: writes how far the attempt under way is, or how it ended.

  KEYS
    export   hash  json, state, attempt
    exports  zset  ids of the account's exports by the instant they expire

  ARGV
    id
    attempt
    state
    json
    now_ms
    expires_at_ms

  RETURNS
    saved
    gone   it was taken back, or has expired
    taken  another attempt was begun since

  KEEPS
    what an attempt writes is not undone by one that was begun before it
]]
local export, exports = KEYS[1], KEYS[2]
local id, attempt, state = ARGV[1], ARGV[2], ARGV[3]
local json, now_ms, expires_at_ms = ARGV[4], ARGV[5], ARGV[6]

local under_way = redis.call('HGET', export, 'attempt')
if not under_way then return { 'gone' } end
if under_way ~= attempt then return { 'taken' } end

-- Nothing is refused below this line.
redis.call('HSET', export, 'json', json, 'state', state)
redis.call('PEXPIRE', export, string.format('%.0f', math.max(1, expires_at_ms - now_ms)))
redis.call('ZADD', exports, expires_at_ms, id)
return { 'saved' }
