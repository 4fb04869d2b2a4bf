-- Takes one attempt out of each bucket, or none when one of them is empty: then it returns after how many milliseconds
-- that one has another. The keys are the buckets; two arguments each: burst and interval. A bucket that is full is no key.
-- The arithmetic is that of `bucket.rs`: a level that was written in the future is of a clock that was set back.
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local full_at = {}
for at, key in ipairs(KEYS) do
  local burst, interval = tonumber(ARGV[2 * at - 1]), tonumber(ARGV[2 * at])
  local level = redis.call('GET', key) or ''
  local full, written = string.match(level, '^(%d+) ?(%d*)$')
  local set_back = math.max((tonumber(written) or 0) - now_ms, 0)
  full = (tonumber(full) or 0) - set_back
  local most = burst
  if set_back > 1000 or full > now_ms + interval * burst + 1000 then
    most = burst - 1
  end
  full = math.max(math.min(full, now_ms + interval * most), now_ms)
  local wait = full - interval * (burst - 1) - now_ms
  if wait > 0 then
    return string.format('%.0f', wait)
  end
  full_at[at] = full + interval
end
for at, key in ipairs(KEYS) do
  local level = string.format('%.0f %.0f', full_at[at], now_ms)
  redis.call('SET', key, level, 'PX', string.format('%.0f', full_at[at] - now_ms))
end
return ''
