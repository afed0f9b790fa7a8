-- Records of the partition that are kept elsewhere as well: their names by when each was written last, in microseconds. No
-- two writes have the same, later ones always more, so that whoever reads on from the highest misses none.
local function note_record(records, name)
  local last = redis.call('ZRANGE', records, -1, -1, 'WITHSCORES')[2]
  local time = redis.call('TIME')
  local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
  redis.call('ZADD', records, string.format('%.0f', math.max(now_us, tonumber(last or '0') + 1)), name)
end
