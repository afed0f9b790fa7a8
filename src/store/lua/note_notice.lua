#!lua
--[[
  note_notice: remembers what became of a mail, and tells of a receipt.

  KEYS
    mark    string  what became of the mail
    outbox  stream

  ARGV
    now_ms
    outcome      sent | refused
    remember_ms
    account
    receipt      its number; empty: the mail is no receipt
    payment
    to           mail address

  RETURNS
    noted
    known  it was noted before

  KEEPS
    a receipt is told of once for each mail
]]
local mark, outbox = KEYS[1], KEYS[2]
local now_ms, outcome, remember_ms, account = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local receipt, payment, to = ARGV[5], ARGV[6], ARGV[7]

if not redis.call('SET', mark, outcome, 'NX', 'PX', remember_ms) then return { 'known' } end
if receipt ~= '' then
  redis.call(
    'XADD', outbox, '*', 'type', outcome == 'sent' and 'receipt.sent' or 'receipt.failed', 'account', account,
    'receipt', receipt, 'payment', payment, 'to', to, 'at', now_ms
  )
end
return { 'noted' }
