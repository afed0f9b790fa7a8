-- What one account of a call's chain has, read in one visit. ARGV is read through a cursor, level by level.

local function number_or(value, default)
  if not value or value == '' then return default end
  return tonumber(value)
end

-- Pools of the level from ARGV at `at`: count, then id, cycle, reserved change, used change, exactly.
local function read_pools(at)
  local pools = {}
  local count = tonumber(ARGV[at])
  for i = 1, count do
    local base = at + (i - 1) * 5
    pools[i] = {
      field = 'p:' .. ARGV[base + 1] .. ':' .. ARGV[base + 2] .. ':',
      reserved = tonumber(ARGV[base + 3]),
      used = tonumber(ARGV[base + 4]),
      exactly = number_or(ARGV[base + 5], nil),
    }
  end
  return pools, at + 1 + count * 5
end

-- Adds the account's figures to the level: credit, reserved, spent today and this month, threshold flags, pool seconds left.
local function read_figures(level)
  local fields = { 'v', 'cp', 'dp', 'dr', 'sd', 'sda', 'sm', 'sma', 'low', 'rech' }
  for _, pool in ipairs(level.pools) do
    fields[#fields + 1] = pool.field .. 'g'
    fields[#fields + 1] = pool.field .. 'r'
    fields[#fields + 1] = pool.field .. 'u'
  end
  local got = redis.call('HMGET', level.account, unpack(fields))
  level.found_version = got[1] or ''
  level.credit = number_or(got[2], 0) - number_or(got[3], 0)
  level.reserved = number_or(got[4], 0)
  level.spent_day = got[5] == level.day and number_or(got[6], 0) or 0
  level.spent_month = got[7] == level.month and number_or(got[8], 0) or 0
  level.low_told = got[9]
  level.recharge_told = got[10]
  for i, pool in ipairs(level.pools) do
    local base = 10 + (i - 1) * 3
    pool.left = number_or(got[base + 1], 0) - number_or(got[base + 2], 0) - number_or(got[base + 3], 0)
  end
  level.calls = redis.call('SCARD', level.live)
  level.own_used = redis.call('SCARD', level.own)
  level.two_used = redis.call('SCARD', level.two)
end

-- "credit,reserved,calls,own,two,day,month,pool,pool…"
local function figures_text(level)
  local text = string.format(
    '%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f',
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
