#!lua
--[[
  claim_leg: on a cluster, says which partition a leg belongs to before anything is put aside for it.

  KEYS
    leg  string  partition of the call

  ARGV
    value   partition
    before  another partition whose claim is void; or empty
    ttl_ms

  RETURNS
    claimed
    leg_elsewhere  partition that the leg is claimed for

  KEEPS
    one leg has one partition until the claim is void or over
]]
local leg = KEYS[1]
local value, before, ttl_ms = ARGV[1], ARGV[2], ARGV[3]

local claimed = redis.call('GET', leg)
if claimed and claimed ~= value and claimed ~= before then return { 'leg_elsewhere', claimed } end
redis.call('SET', leg, value, 'PX', ttl_ms)
return { 'claimed' }
