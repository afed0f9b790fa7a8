-- The money of one account, its profile's version and which thresholds were told, read in one visit.
local function read_account(account)
  local got = redis.call('HMGET', account, 'v', 'cp', 'dp', 'dr', 'low', 'rech', 'lp')
  local credited, debited, reserved = tonumber(got[2] or '0'), tonumber(got[3] or '0'), tonumber(got[4] or '0')
  return {
    version = got[1] or '0', credited = credited, debited = debited, reserved = reserved,
    credit = credited - debited, low_told = got[5], recharge_told = got[6], purchased = got[7],
  }
end
