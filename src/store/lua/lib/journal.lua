--- A number as text without an exponent and without a negative zero; exact below 2^53.
local function whole(number)
  return string.format('%.0f', number + 0)
end

--- Appends one journal entry and returns its number as text. Numbers follow each other without gaps, as HINCRBY and XADD
--- happen in one script. `entry` is JSON made by the caller, `balances` is "account=micros account=micros".
local function append_entry(head, journal, entry, balances)
  local number = whole(redis.call('HINCRBY', head, 'n', 1))
  redis.call('XADD', journal, number .. '-0', 'e', entry, 'b', balances)
  return number
end
