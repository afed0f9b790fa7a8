--- A number as text without an exponent and without a negative zero; exact below 2^53.
local function whole(number)
  return string.format('%.0f', number + 0)
end

--- Appends one journal entry and returns its number as text. Redis numbers the entries "0-1", "0-2", … without gaps.
--- `entry` is JSON made by the caller, `balances` is "account=micros account=micros", or empty where no credit changed.
local function append_entry(journal, entry, balances)
  local id
  if balances == '' then
    id = redis.call('XADD', journal, '0-*', 'e', entry)
  else
    id = redis.call('XADD', journal, '0-*', 'e', entry, 'b', balances)
  end
  return string.sub(id, 3)
end
