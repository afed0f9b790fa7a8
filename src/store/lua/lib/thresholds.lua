-- What is low is told to the outbox once, when it falls below a threshold; a fall through several at once is told as the
-- lowest. The lowest that was told is kept (micros or seconds), and those above it count as told too. Nothing left is the
-- lowest threshold of all: less than one micro or second.
local NOTHING_LEFT = 1

-- One threshold: a number, or whole percents of what came in last; nil while nothing came in.
local function threshold_of(text, basis)
  local percent = tonumber(string.match(text, '^(%d+)%%$'))
  if not percent then return tonumber(text) end
  return basis and math.floor(basis / 100) * percent + math.floor(basis % 100 * percent / 100)
end

-- The lowest of the thresholds (separated by spaces) that `left` is below and that was not told; nil when there is none.
local function newly_crossed(thresholds, basis, left, told)
  if left < NOTHING_LEFT then return (not told or told > NOTHING_LEFT) and NOTHING_LEFT or nil end
  local lowest
  for text in string.gmatch(thresholds, '%S+') do
    local threshold = threshold_of(text, basis)
    local is_news = threshold and left < threshold and (not told or threshold < told)
    if is_news and (not lowest or threshold < lowest) then lowest = threshold end
  end
  return lowest
end

local function amount_text(number)
  return string.format('%.0f', number)
end

-- `level` has account (key), id, currency, low (thresholds or empty), recharge (threshold or empty), low_told (as read),
-- recharge_told (flag as read) and purchased (micros of the last purchase, as read).
local function tell_balance(level, outbox, now_ms, event)
  redis.call(
    'XADD', outbox, '*', 'type', event.type, 'account', level.id, 'currency', level.currency,
    'available', amount_text(event.available), 'arming', event.arming, 'at', now_ms, unpack(event.more or {})
  )
end

local function cross_low(level, outbox, now_ms, available)
  local told = tonumber(level.low_told)
  local crossed = newly_crossed(level.low, tonumber(level.purchased), available, told)
  if not crossed then return end
  local is_exhausted = crossed == NOTHING_LEFT
  level.low_told = amount_text(crossed)
  redis.call('HSET', level.account, 'low', level.low_told)
  tell_balance(level, outbox, now_ms, {
    type = is_exhausted and 'balance.exhausted' or 'balance.low', available = available,
    arming = redis.call('HINCRBY', level.account, 'lown', 1),
    more = not is_exhausted and { 'threshold', level.low_told } or nil,
  })
end

local function cross_thresholds(level, outbox, now_ms, available)
  if level.low ~= '' then cross_low(level, outbox, now_ms, available) end
  if level.recharge ~= '' and level.recharge_told ~= '1' and available < tonumber(level.recharge) then
    redis.call('HSET', level.account, 'rech', '1')
    tell_balance(level, outbox, now_ms, {
      type = 'recharge.due', available = available, arming = redis.call('HINCRBY', level.account, 'rechn', 1),
    })
  end
end

-- The lowest told threshold that `available` has not come up to again, with the level's hysteresis; nil when there is none.
local function still_told(level, available)
  local told, basis = tonumber(level.low_told), tonumber(level.purchased)
  local hysteresis = tonumber(level.hysteresis)
  local lowest
  for text in string.gmatch(NOTHING_LEFT .. ' ' .. level.low, '%S+') do
    local threshold = threshold_of(text, basis)
    local stands = threshold and threshold >= told and available < threshold + hysteresis
    if stands and (not lowest or threshold < lowest) then lowest = threshold end
  end
  return lowest
end

local function rearm_low(level, outbox, now_ms, available)
  local standing = level.low ~= '' and still_told(level, available)
  if standing then
    level.low_told = amount_text(standing)
    redis.call('HSET', level.account, 'low', level.low_told)
    return
  end
  level.low_told = nil
  redis.call('HDEL', level.account, 'low')
  if level.low == '' then return end
  local arming = redis.call('HGET', level.account, 'lown')
  tell_balance(level, outbox, now_ms, { type = 'balance.recovered', available = available, arming = arming })
end

-- Only money that came in arms again: holds that come and go would tell the same low balance many times. The level has
-- its hysteresis (micros) besides.
local function rearm_thresholds(level, outbox, now_ms, available)
  if level.low_told then rearm_low(level, outbox, now_ms, available) end
  if level.recharge_told == '1' and (level.recharge == '' or available >= tonumber(level.recharge)) then
    redis.call('HDEL', level.account, 'rech')
    level.recharge_told = nil
  end
end

-- Each pool of the level has id, cycle, low (thresholds or empty), told ("<cycle> <seconds>", as read), granted and left
-- (seconds before the move), reserved and used (the move). A late settlement says nothing of a cycle that is over.
local function cross_pool(level, pool, outbox, now_ms)
  local told_cycle, told = string.match(pool.told or '', '^(%d+) (%d+)$')
  if told_cycle and tonumber(told_cycle) > tonumber(pool.cycle) then return end
  local left = pool.left - pool.reserved - pool.used
  local crossed = newly_crossed(pool.low, pool.granted, left, told_cycle == pool.cycle and tonumber(told) or nil)
  if not crossed then return end
  local is_exhausted = crossed == NOTHING_LEFT
  local threshold = amount_text(crossed)
  redis.call('HSET', level.account, 't:' .. pool.id, pool.cycle .. ' ' .. threshold)
  redis.call(
    'XADD', outbox, '*', 'type', is_exhausted and 'minutes.exhausted' or 'minutes.low', 'account', level.id,
    'pool', pool.id, 'cycle', pool.cycle, 'remaining', amount_text(left), 'total', amount_text(pool.granted),
    'at', now_ms, unpack(is_exhausted and {} or { 'threshold', threshold })
  )
end

local function cross_pools(level, outbox, now_ms)
  for _, pool in ipairs(level.pools) do
    local moves = pool.reserved ~= 0 or pool.used ~= 0
    if moves and pool.low ~= '' then cross_pool(level, pool, outbox, now_ms) end
  end
end

-- Minutes that came in make a pool tell again; the next cycle does so by itself. `counter` is "p:<pool>:<cycle>:".
local function rearm_pool(account, counter)
  local pool, cycle = string.match(counter, '^p:(.+):(%d+):$')
  local told = redis.call('HGET', account, 't:' .. pool)
  if told and string.match(told, '^(%d+) ') == cycle then redis.call('HDEL', account, 't:' .. pool) end
end
