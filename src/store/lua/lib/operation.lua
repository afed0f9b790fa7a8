-- What is known of an operation: nil when it is new, else the answer to give again or the refusal. An operation is kept as
-- "<hash of its content> <answer>", for ever.
local function past_operation(operation, content)
  local known = redis.call('GET', operation)
  if not known then return nil end
  local before, answer = string.match(known, '^(%S+) (.*)$')
  if before ~= content then return { 'refused', 'request_conflict' } end
  return { 'replayed', answer }
end

local function keep_operation(operation, content, answer)
  redis.call('SET', operation, content .. ' ' .. answer)
end
