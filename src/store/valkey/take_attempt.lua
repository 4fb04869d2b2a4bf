-- Takes one attempt out of each bucket, or none when one of them is empty: then it returns after how many milliseconds
-- that one has another. The keys are the buckets; two arguments each: burst and interval. A bucket that is full is no key.
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local full_at = {}
for at, key in ipairs(KEYS) do
  local burst, interval = tonumber(ARGV[2 * at - 1]), tonumber(ARGV[2 * at])
  local full = math.max(tonumber(redis.call('GET', key) or 0), now_ms)
  local wait = full - interval * (burst - 1) - now_ms
  if wait > 0 then
    return string.format('%.0f', wait)
  end
  full_at[at] = full + interval
end
for at, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', full_at[at]), 'PX', string.format('%.0f', full_at[at] - now_ms))
end
return ''
