-- Puts an attempt back into each bucket. The keys are the buckets; one argument each: the interval.
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
for at, key in ipairs(KEYS) do
  local full, written = string.match(redis.call('GET', key) or '', '^(%d+) ?(%d*)$')
  full, written = (tonumber(full) or 0) - tonumber(ARGV[at]), tonumber(written) or 0
  local left = full - math.max(now_ms, written)
  if left > 0 then
    redis.call('SET', key, string.format('%.0f %.0f', full, written), 'PX', string.format('%.0f', left))
  else
    redis.call('DEL', key)
  end
end
return 1
