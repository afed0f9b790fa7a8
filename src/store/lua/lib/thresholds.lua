-- A threshold is told to the outbox once, when available credit falls below it, and again only after a credit raised it.
-- `level` has account (key), id, currency, low and recharge (thresholds or empty), low_told and recharge_told (flags as read).

local function tell_threshold(level, outbox, now_ms, event)
  local arming = redis.call('HINCRBY', level.account, event.counter, 1)
  redis.call('HSET', level.account, event.flag, '1')
  redis.call(
    'XADD', outbox, '*', 'type', event.type, 'account', level.id, 'currency', level.currency,
    'available', string.format('%.0f', event.available), 'arming', arming, 'at', now_ms
  )
end

local function cross_thresholds(level, outbox, now_ms, available)
  if level.low ~= '' and level.low_told ~= '1' and available < tonumber(level.low) then
    tell_threshold(level, outbox, now_ms, {
      type = 'balance.low', flag = 'low', counter = 'lown', available = available,
    })
  end
  if level.recharge ~= '' and level.recharge_told ~= '1' and available < tonumber(level.recharge) then
    tell_threshold(level, outbox, now_ms, {
      type = 'recharge.due', flag = 'rech', counter = 'rechn', available = available,
    })
  end
end

-- Only money that came in arms again: holds that come and go would tell the same low balance many times.
local function rearm_thresholds(level, available)
  if level.low_told == '1' and (level.low == '' or available >= tonumber(level.low)) then
    redis.call('HDEL', level.account, 'low')
  end
  if level.recharge_told == '1' and (level.recharge == '' or available >= tonumber(level.recharge)) then
    redis.call('HDEL', level.account, 'rech')
  end
end
