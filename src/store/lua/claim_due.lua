#!lua flags=allow-oom
--[[
  claim_due: takes the calls that are due; what is not dealt with by the end of the lease is due again, for any daemon.

  KEYS
    due  zset  leg key, scored by the instant something is due

  ARGV
    now_ms
    lease_ms
    limit     at most 1000

  RETURNS
    claimed  leg keys, earliest first

  KEEPS
    a call stays in the index until it ends
]]
local due = KEYS[1]
local now_ms, lease_ms, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]

local taken = redis.call('ZRANGE', due, '-inf', now_ms, 'BYSCORE', 'LIMIT', 0, limit)
for _, leg_key in ipairs(taken) do redis.call('ZADD', due, now_ms + lease_ms, leg_key) end
return { 'claimed', unpack(taken) }
