#!lua
--[[
  tell_cap: tells the outbox that the cap of a day or a month refused, once for that day or month.

  KEYS
    account  hash    capd, capm: the last day and month that were told
    outbox   stream

  ARGV
    now_ms
    id        of the account
    currency
    period    day | month
    of        the day or month in the account's zone, such as 2026-11-28 or 2026-11
    cap       micros
    spent     micros, of that day or month

  RETURNS
    told
    known  it was told before

  KEEPS
    a day or month is told once
]]
local account, outbox = KEYS[1], KEYS[2]
local now_ms, id, currency, period, of, cap, spent = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]

local field = period == 'day' and 'capd' or 'capm'
if redis.call('HGET', account, field) == of then return { 'known' } end
redis.call('HSET', account, field, of)
redis.call(
  'XADD', outbox, '*', 'type', 'spend.capped', 'account', id, 'currency', currency, 'period', period, 'of', of,
  'cap', cap, 'spent', spent, 'at', now_ms
)
return { 'told' }
