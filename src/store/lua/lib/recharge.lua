-- What one account buys by itself, a hash: of its recharge `flight` (the payment under way), `failures` (in a row), `next`
-- (not before that instant), `paused` (why), and `day` and `month` as "<period> <micros>": what was charged or may yet be;
-- and `renewal`, the newest payment for bundles that are bought again.

local function charged_in(text, period)
  if not text or string.sub(text, 1, #period) ~= period then return 0 end
  return tonumber(string.sub(text, #period + 2))
end

-- Adds to what counts in a period, or takes back what was not charged after all; an earlier period is over.
local function count_charged(recharge, field, counted)
  local text = redis.call('HGET', recharge, field)
  local is_older = text and string.sub(text, 1, #counted.period) > counted.period
  if is_older then return end
  local sum = math.max(0, charged_in(text, counted.period) + counted.amount)
  redis.call('HSET', recharge, field, string.format('%s %.0f', counted.period, sum))
end
