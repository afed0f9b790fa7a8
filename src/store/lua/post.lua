#!lua
--[[
  post: puts credit on an account or takes it off, once for each operation.

  KEYS
    account    hash    counters (ledger/journal.ts), v profile version, thresholds told
    operation  string  content and answer of this operation
    books      hash    "<currency>:funding" and "<currency>:revenue", the other side of every posting
    journal    stream
    tx         list    numbers of journal entries that posted to the account
    outbox     stream

  ARGV
    now_ms
    content             hash of what was asked; the same operation has the same
    version             of the profile that the request was checked with
    refusal             code that the profile and the policy refuse it with; empty: none
    direction           credit | debit
    amount              micros, more than zero, below 2^53
    book                field of the books
    entry               journal entry
    id                  of the account
    currency
    credit_limit
    low_thresholds      micros or shares of the last purchase, by spaces; or empty
    low_hysteresis      micros, or empty
    recharge_threshold  or empty
    is_purchase         1 | 0
    is_owed             1: a debit for what was used already is taken whatever is available; 0

  RETURNS
    posted         "<entry> <credit afterwards>"
    replayed       the same, when the operation came before
    stale_profile  the profile has another version
    refused        request_conflict     the operation came before with other content
    refused        the given refusal
    refused        amount_too_large     a sum would reach 2^53
    refused        insufficient_credit  available

  KEEPS
    books and posted counters of the partition sum to zero per currency
    credit + credit_limit - dr is not taken below zero by a debit that is not owed
]]
--- @include journal
--- @include account
--- @include operation
--- @include thresholds

local account, operation, books = KEYS[1], KEYS[2], KEYS[3]
local journal, tx, outbox = KEYS[4], KEYS[5], KEYS[6]
local now_ms, content, version, refusal, direction = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local amount, book, entry, id, currency = tonumber(ARGV[6]), ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local credit_limit, low_thresholds, low_hysteresis = tonumber(ARGV[11]), ARGV[12], ARGV[13]
local recharge_threshold, is_purchase, is_owed = ARGV[14], ARGV[15] == '1', ARGV[16] == '1'
local too_large = 2 ^ 53

local past = past_operation(operation, content)
if past then return past end
local found = read_account(account)
if found.version ~= version then return { 'stale_profile' } end
if refusal ~= '' then return { 'refused', refusal } end

local is_credit = direction == 'credit'
local counter = is_credit and 'cp' or 'dp'
local posted = (is_credit and found.credited or found.debited) + amount
local on_book = tonumber(redis.call('HGET', books, book) or '0') + (is_credit and 0 - amount or amount)
if posted >= too_large or math.abs(on_book) >= too_large then return { 'refused', 'amount_too_large' } end
local available = found.credit - found.reserved + credit_limit
if not is_credit and not is_owed and available < amount then return { 'refused', 'insufficient_credit', whole(available) } end

-- Nothing is refused below this line: Redis does not take back what a script wrote.
local change = is_credit and amount or 0 - amount
local credit = whole(found.credit + change)
redis.call('HINCRBY', account, counter, amount)
redis.call('HINCRBY', books, book, 0 - change)
local number = append_entry(journal, entry, id .. '=' .. credit)
redis.call('RPUSH', tx, number)
if is_purchase then redis.call('HSET', account, 'lp', whole(amount)) end
local level = {
  account = account, id = id, currency = currency, low = low_thresholds, hysteresis = low_hysteresis,
  recharge = recharge_threshold, low_told = found.low_told, recharge_told = found.recharge_told,
  purchased = is_purchase and amount or found.purchased,
}
rearm_thresholds(level, outbox, now_ms, available + change)
cross_thresholds(level, outbox, now_ms, available + change)
local answer = number .. ' ' .. credit
keep_operation(operation, content, answer)
return { 'posted', answer }
