#!lua
--[[
  put_tariff: writes what the book says of one tariff over what was read, and counts the change.

  KEYS
    tariffs  hash  tariff name, JSON of its versions and schedule; ":revision" of the whole book

  ARGV
    name
    expected  the JSON that was read; empty: there was none
    text      the JSON to write

  RETURNS
    saved    revision of the book
    changed  the JSON found, or empty

  KEEPS
    revision rises with every change
]]
local tariffs = KEYS[1]
local name, expected, text = ARGV[1], ARGV[2], ARGV[3]

local found = redis.call('HGET', tariffs, name) or ''
if found ~= expected then return { 'changed', found } end

-- Nothing is refused below this line: Redis does not take back what a script wrote.
redis.call('HSET', tariffs, name, text)
return { 'saved', string.format('%.0f', redis.call('HINCRBY', tariffs, ':revision', 1)) }
