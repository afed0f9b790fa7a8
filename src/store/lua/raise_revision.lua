#!lua
--[[
  raise_revision: brings a copy of the tariff book's revision up to date: a partition's, or the book's own after a loss.

  KEYS
    hash  of a partition's head, or the tariffs

  ARGV
    field
    revision

  RETURNS
    raised  revision that stands there now

  KEEPS
    the field never becomes less
]]
local hash = KEYS[1]
local field, revision = ARGV[1], ARGV[2]

local known = redis.call('HGET', hash, field) or '0'
if tonumber(known) >= tonumber(revision) then return { 'raised', known } end
redis.call('HSET', hash, field, revision)
return { 'raised', revision }
