#!lua flags=allow-oom
--[[
  trim_cdrs: takes the oldest CDRs out of the store, which are archived.

  KEYS
    cdrs     stream  every revision of every CDR, id "<entry>-<level>"
    then for each account
    account  hash    cdrb how many of its CDRs were taken out
    cdrx     list    ids of the first CDR entries of the account's ended calls
    cdri     hash    call id, id of its newest CDR entry, where that was corrected

  ARGV
    first     id of the oldest entry of the stream as it was read
    keep      id of the first entry that stays
    accounts  how many, at most 500; then for each
      dropped  how many of the account's first entries go
      calls    how many, and the id of each

  RETURNS
    trimmed
    changed  the stream has another oldest entry

  KEEPS
    the place of a CDR in the history of its account never changes
]]
local cdrs = KEYS[1]
local first, keep, account_count = ARGV[1], ARGV[2], tonumber(ARGV[3])

local oldest = redis.call('XRANGE', cdrs, '-', '+', 'COUNT', 1)[1]
if not oldest or oldest[1] ~= first then return { 'changed' } end

-- Nothing is refused below this line: Redis does not take back what a script wrote.
local at = 4
for index = 1, account_count do
  local account, cdrx, cdri = KEYS[index * 3 - 1], KEYS[index * 3], KEYS[index * 3 + 1]
  local dropped, call_count = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  redis.call('LTRIM', cdrx, dropped, -1)
  redis.call('HINCRBY', account, 'cdrb', dropped)
  for call = 1, call_count do redis.call('HDEL', cdri, ARGV[at + 1 + call]) end
  at = at + 2 + call_count
end
redis.call('XTRIM', cdrs, 'MINID', keep)
return { 'trimmed' }
