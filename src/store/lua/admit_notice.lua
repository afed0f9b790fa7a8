#!lua
--[[
  admit_notice: whether a mail about an account may go out now.

  KEYS
    mark    string  what became of the mail
    notices zset    mails that were let out, by the instant they were

  ARGV
    now_ms
    id         of the mail
    most       so many within the time; empty: without a limit
    within_ms

  RETURNS
    free
    done       it was sent, or refused for good
    held_back  so many were let out lately

  KEEPS
    no more than `most` mails are let out within the time, however many daemons send
    a mail that was let out is let out again, until it is done
]]
local mark, notices = KEYS[1], KEYS[2]
local now_ms, id, most, within_ms = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

if redis.call('EXISTS', mark) == 1 then return { 'done' } end
if not most or redis.call('ZSCORE', notices, id) then return { 'free' } end
redis.call('ZREMRANGEBYSCORE', notices, '-inf', now_ms - within_ms)
if redis.call('ZCARD', notices) >= most then return { 'held_back' } end
redis.call('ZADD', notices, now_ms, id)
redis.call('PEXPIRE', notices, 2 * within_ms)
return { 'free' }
