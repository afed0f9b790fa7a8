#!lua
--[[
  put_off: puts off what an account is to be looked after for, if its profile still is the one that was judged.

  KEYS
    account  hash  v profile version
    due      zset  payments, recharges and renewals by the instant they are looked after

  ARGV
    member
    version
    at_ms    empty: it is not to be looked after

  RETURNS
    put_off
    stale_profile  the profile has another version

  KEEPS
    what became due with a newer profile stays due
]]
local account, due = KEYS[1], KEYS[2]
local member, version, at_ms = ARGV[1], ARGV[2], ARGV[3]

if redis.call('HGET', account, 'v') ~= version then return { 'stale_profile' } end

-- Nothing is refused below this line: Redis does not take back what a script wrote.
if at_ms == '' then
  redis.call('ZREM', due, member)
else
  redis.call('ZADD', due, at_ms, member)
end
return { 'put_off' }
