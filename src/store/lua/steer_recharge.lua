#!lua
--[[
  steer_recharge: pauses the recharge of an account, resumes it, lets it rest, or puts it off until a cap is over.

  KEYS
    recharge  hash    what the account buys by itself (lib/recharge.lua); capped: the last day or month whose cap was told
    due       zset    payments, recharges and renewals by the instant they are looked after
    outbox    stream
    records   zset    names of records by when they were written last (lib/records.lua)
    account   hash    counters (ledger/journal.ts), v profile version, rech: the recharge was told to be due

  ARGV
    now_ms
    account_id
    what        pause | resume | rest | cap
    why         of a pause; of a cap the day or month
    next_at_ms  of a cap: when it is over
    threshold   of a rest; or empty
    credit_limit
    then for each field that is told of a cap its name and value

  RETURNS
    steered

  KEEPS
    a pause, and the cap of one day or month, are told once
    a try that a failure put off meanwhile stays
    an account that is not below its threshold any more is told again when it is: what was held back is free again
]]
--- @include journal
--- @include account
--- @include records

local recharge, due, outbox, records, account = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local now_ms, account_id, what, why, next_at_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local threshold, credit_limit = tonumber(ARGV[6]), tonumber(ARGV[7])
local retry = 'recharge:' .. account_id

local function tell(type, ...)
  redis.call('XADD', outbox, '*', 'type', type, 'account', account_id, 'at', now_ms, ...)
end

if what == 'pause' then
  local paused = redis.call('HGET', recharge, 'paused')
  redis.call('HSET', recharge, 'paused', why)
  redis.call('HDEL', recharge, 'next')
  redis.call('ZREM', due, retry)
  if not paused then tell('recharge.paused', 'reason', why) end
elseif what == 'rest' then
  local next_ms = tonumber(redis.call('HGET', recharge, 'next') or '0')
  if next_ms <= tonumber(now_ms) then
    redis.call('HDEL', recharge, 'next')
    redis.call('ZREM', due, retry)
  end
  local found = read_account(account)
  if threshold and found.credit - found.reserved + credit_limit >= threshold then redis.call('HDEL', account, 'rech') end
elseif what == 'resume' then
  redis.call('HDEL', recharge, 'paused', 'failures', 'next', 'capped')
  redis.call('ZADD', due, now_ms, retry)
else
  redis.call('HSET', recharge, 'next', next_at_ms)
  redis.call('ZADD', due, next_at_ms, retry)
  if redis.call('HGET', recharge, 'capped') ~= why then
    redis.call('HSET', recharge, 'capped', why)
    tell('recharge.capped', unpack(ARGV, 8, #ARGV))
  end
end
note_record(records, 'recharge:' .. account_id)
return { 'steered' }
