#!lua
--[[
  take_export: begins an attempt to make an export; attempts before it may write no more.

  KEYS
    export  hash  json, state, attempt

  RETURNS
    taken  attempt, json  as it was last saved
    done                  its file is made
    gone                  it was taken back, or has expired

  KEEPS
    one attempt at a time says how far an export is
]]
local export = KEYS[1]

local known = redis.call('HMGET', export, 'state', 'json')
local state, json = known[1], known[2]
if not state then return { 'gone' } end
if state == 'done' then return { 'done' } end
return { 'taken', string.format('%.0f', redis.call('HINCRBY', export, 'attempt', 1)), json }
