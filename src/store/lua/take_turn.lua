#!lua
--[[
  take_turn: gives one daemon the right to do something for a while.

  KEYS
    turn  string  the instant it is over

  ARGV
    now_ms  by the daemon's clock, as Redis' own may be set
    for_ms

  RETURNS
    taken
    busy   another has it

  KEEPS
    nobody waits much longer than was asked for, whatever clock an earlier turn was taken by
]]
local turn = KEYS[1]
local now_ms, for_ms = tonumber(ARGV[1]), tonumber(ARGV[2])

local until_ms = tonumber(redis.call('GET', turn) or '0')
local furthest_ms = now_ms + 2 * for_ms
if until_ms > now_ms and until_ms <= furthest_ms then return { 'busy' } end
redis.call('SET', turn, string.format('%.0f', now_ms + for_ms), 'PX', 2 * for_ms)
return { 'taken' }
