#!lua
--[[
  tidy_stream: drops the entries that every group is done with, forgets readers that are long gone, and says what is left.

  KEYS
    stream  stream with consumer groups

  ARGV
    group         the group that is asked about
    gone_ms       a reader of the group that was silent for so long, and owes nothing, is forgotten
    trims         1: entries that all groups have acknowledged are dropped; 0

  RETURNS
    none                      there is no such group
    tidied  entries  oldest   not acknowledged by the group, and the id of the first of them or nothing

  KEEPS
    an entry that some group has not acknowledged is never dropped, nor is a reader that owes an acknowledgement
]]
local stream = KEYS[1]
local group_name, gone_ms, trims = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'

local function named(flat)
  local fields = {}
  for at = 1, #flat, 2 do fields[flat[at]] = flat[at + 1] end
  return fields
end

local function id_parts(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end

local function is_before(one, other)
  local one_ms, one_seq = id_parts(one)
  local other_ms, other_seq = id_parts(other)
  return one_ms < other_ms or (one_ms == other_ms and one_seq < other_seq)
end

local function after(id)
  local ms, seq = id_parts(id)
  return string.format('%.0f-%.0f', ms, seq + 1)
end

if redis.call('EXISTS', stream) == 0 then return { 'none' } end

local asked
local lowest
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local group = named(flat)
  group.first_open = after(group['last-delivered-id'])
  if group.pending > 0 then group.first_open = redis.call('XPENDING', stream, group.name)[2] end
  if not lowest or is_before(group.first_open, lowest) then lowest = group.first_open end
  if group.name == group_name then asked = group end
end
if not asked then return { 'none' } end

-- Nothing is refused below this line.
if trims then redis.call('XTRIM', stream, 'MINID', '=', lowest) end
for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group_name)) do
  local reader = named(flat)
  if reader.pending == 0 and reader.idle > gone_ms then
    redis.call('XGROUP', 'DELCONSUMER', stream, group_name, reader.name)
  end
end

-- Redis does not know how many wait where entries were taken out of the middle; then all that is left may.
local waiting = asked.lag or redis.call('XLEN', stream) - asked.pending
local first = redis.call('XRANGE', stream, asked.first_open, '+', 'COUNT', 1)[1]
return { 'tidied', tostring(asked.pending + waiting), first and first[1] or '' }
