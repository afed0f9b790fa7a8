#!lua
--[[
  admit_notice: whether a mail about an account may go out now.

  KEYS
    mark    string  what became of the mail
    notices zset    news whose mails were let out, by the instant the first was

  ARGV
    now_ms
    news       what the mail is about
    most       so many news within the time; empty: without a limit
    within_ms

  RETURNS
    free
    done       it was sent, or refused for good
    held_back  so many news were let out lately

  KEEPS
    mails of no more than `most` news are let out within the time, however many daemons send
    when one mail of a news was let out, all are
]]
local mark, notices = KEYS[1], KEYS[2]
local now_ms, news, most, within_ms = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

if redis.call('EXISTS', mark) == 1 then return { 'done' } end
if not most or redis.call('ZSCORE', notices, news) then return { 'free' } end
redis.call('ZREMRANGEBYSCORE', notices, '-inf', now_ms - within_ms)
if redis.call('ZCARD', notices) >= most then return { 'held_back' } end
redis.call('ZADD', notices, now_ms, news)
redis.call('PEXPIRE', notices, 2 * within_ms)
return { 'free' }
