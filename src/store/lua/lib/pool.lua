-- Seconds of a pool's cycle that are neither used nor put aside; less than 0 where more was used. `counter` is
-- "p:<pool>:<cycle>:".
local function seconds_left(account, counter)
  local got = redis.call('HMGET', account, counter .. 'g', counter .. 'r', counter .. 'u')
  return tonumber(got[1] or '0') - tonumber(got[2] or '0') - tonumber(got[3] or '0')
end
