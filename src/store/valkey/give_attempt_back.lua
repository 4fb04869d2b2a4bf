-- Puts an attempt back into each bucket. The keys are the buckets; one argument each: the interval.
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
for at, key in ipairs(KEYS) do
  local full = tonumber(redis.call('GET', key) or 0) - tonumber(ARGV[at])
  if full > now_ms then
    redis.call('SET', key, string.format('%.0f', full), 'PX', string.format('%.0f', full - now_ms))
  else
    redis.call('DEL', key)
  end
end
return 1
