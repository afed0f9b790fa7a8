#!lua
--[[
  add_export: remembers an export that is asked for, if the account has room for it.

  KEYS
    export   hash  json, state, attempt
    exports  zset  ids of the account's exports by the instant they expire

  ARGV
    id
    json           of an export that is queued
    now_ms
    expires_at_ms
    most           exports of the account at once

  RETURNS
    added
    full   the account has so many that have not expired

  KEEPS
    an account has no more than `most` exports, however many daemons add at once
]]
local export, exports = KEYS[1], KEYS[2]
local id, json, now_ms, expires_at_ms, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])

if redis.call('ZCOUNT', exports, '(' .. now_ms, '+inf') >= most then return { 'full' } end

-- Nothing is refused below this line.
redis.call('ZREMRANGEBYSCORE', exports, '-inf', now_ms)
redis.call('ZADD', exports, expires_at_ms, id)
redis.call('HSET', export, 'json', json, 'state', 'queued', 'attempt', 0)
redis.call('PEXPIRE', export, string.format('%.0f', math.max(1, expires_at_ms - now_ms)))
return { 'added' }
