-- What one account of a call's chain has, read in one visit. ARGV is read through a cursor, level by level.

local function number_or(value, default)
  if not value or value == '' then return default end
  return tonumber(value)
end

-- Pools of the level from ARGV at `at`: count, then id, cycle, reserved change, used change, exactly, low thresholds.
local function read_pools(at)
  local pools = {}
  local count = tonumber(ARGV[at])
  for i = 1, count do
    local base = at + (i - 1) * 6
    pools[i] = {
      id = ARGV[base + 1],
      cycle = ARGV[base + 2],
      field = 'p:' .. ARGV[base + 1] .. ':' .. ARGV[base + 2] .. ':',
      reserved = tonumber(ARGV[base + 3]),
      used = tonumber(ARGV[base + 4]),
      exactly = number_or(ARGV[base + 5], nil),
      low = ARGV[base + 6],
    }
  end
  return pools, at + 1 + count * 6
end

-- "<period> <micros>": what was spent in the period, nothing when the text is of another.
local function spent_in(text, period)
  if not text or string.sub(text, 1, #period) ~= period then return 0 end
  return tonumber(string.sub(text, #period + 2))
end

local function read_pool_figures(level, got, at)
  for _, pool in ipairs(level.pools) do
    pool.granted = number_or(got[at + 1], 0)
    pool.left = pool.granted - number_or(got[at + 2], 0) - number_or(got[at + 3], 0)
    at = at + 3
    if pool.low ~= '' then
      at = at + 1
      pool.told = got[at]
    end
  end
  return at
end

-- Whether a threshold is a share of the last purchase.
local function has_share(thresholds)
  return string.find(thresholds, '%', 1, true) ~= nil
end

-- The account's fields that the level asks for. Those that nearly every account has no use for are not read.
local function read_fields(level)
  local has_thresholds = level.low ~= '' or level.recharge ~= ''
  if #level.pools == 0 and not level.asks_spent and not has_thresholds then
    return redis.call('HMGET', level.account, 'v', 'cp', 'dp', 'dr')
  end
  local fields = { 'v', 'cp', 'dp', 'dr', 'sd', 'sm', 'low', 'rech' }
  for _, pool in ipairs(level.pools) do
    fields[#fields + 1] = pool.field .. 'g'
    fields[#fields + 1] = pool.field .. 'r'
    fields[#fields + 1] = pool.field .. 'u'
    if pool.low ~= '' then fields[#fields + 1] = 't:' .. pool.id end
  end
  if has_share(level.low) then fields[#fields + 1] = 'lp' end
  return redis.call('HMGET', level.account, unpack(fields))
end

-- Adds the account's figures to the level: credit, reserved, thresholds told, pool seconds left; what was spent today and
-- this month only if `asks_spent`, calls if `asks_calls`, channels if `asks_trunks`. What is not asked for is 0.
local function read_figures(level)
  local got = read_fields(level)
  level.found_version = got[1] or ''
  level.credit = number_or(got[2], 0) - number_or(got[3], 0)
  level.reserved = number_or(got[4], 0)
  level.spent_day = level.asks_spent and spent_in(got[5], level.day) or 0
  level.spent_month = level.asks_spent and spent_in(got[6], level.month) or 0
  level.low_told = got[7]
  level.recharge_told = got[8]
  level.purchased = got[read_pool_figures(level, got, 8) + 1]
  level.calls = level.asks_calls and redis.call('SCARD', level.live) or 0
  level.own_used = level.asks_trunks and redis.call('SCARD', level.own) or 0
  level.two_used = level.asks_trunks and redis.call('SCARD', level.two) or 0
end

-- What a plan did not ask for, another may: one that does not fit is planned again on all there is.
local function count_the_rest(levels)
  for _, level in ipairs(levels) do
    if not level.asks_calls then level.calls = redis.call('SCARD', level.live) end
    if not level.asks_trunks then
      level.own_used = redis.call('SCARD', level.own)
      level.two_used = redis.call('SCARD', level.two)
    end
  end
end

-- "credit,reserved,calls,own,two,day,month,pool,pool…"
local function figures_text(level)
  local text = string.format(
    '%.0f,%.0f,%d,%d,%d,%.0f,%.0f',
    level.credit, level.reserved, level.calls, level.own_used, level.two_used, level.spent_day, level.spent_month
  )
  for _, pool in ipairs(level.pools) do text = text .. string.format(',%.0f', pool.left) end
  return text
end

local function answer_with_figures(word, levels)
  local answer = { word }
  for i, level in ipairs(levels) do answer[i + 1] = figures_text(level) end
  return answer
end

local function pools_fit(pools)
  for _, pool in ipairs(pools) do
    local more = pool.reserved + pool.used
    if more > 0 and more > pool.left then return false end
    if pool.exactly and pool.exactly ~= pool.left then return false end
  end
  return true
end

local function move_pools(level)
  for _, pool in ipairs(level.pools) do
    if pool.reserved ~= 0 then redis.call('HINCRBY', level.account, pool.field .. 'r', pool.reserved) end
    if pool.used ~= 0 then redis.call('HINCRBY', level.account, pool.field .. 'u', pool.used) end
  end
end

-- The revision that a call's record begins with; 0 when there is no record.
local function revision_of(record)
  if not record then return 0 end
  return tonumber(string.match(record, '^(%d+)|'))
end
