#!lua
--[[
  tell_once: tells the outbox of something that no script made true, once.

  KEYS
    mark    string  it was told
    outbox  stream

  ARGV
    remember_ms
    then for each field of the event its name and value

  RETURNS
    told
    known  it was told before

  KEEPS
    what has the same mark is told once
]]
local mark, outbox = KEYS[1], KEYS[2]
local remember_ms = ARGV[1]

if not redis.call('SET', mark, '', 'NX', 'PX', remember_ms) then return { 'known' } end
redis.call('XADD', outbox, '*', unpack(ARGV, 2, #ARGV))
return { 'told' }
