-- Remembers a digest for so many milliseconds from now on; whether it was not remembered before. The keys: what is
-- remembered, by its end, and what is noted about time; the arguments: digest, milliseconds, how far beyond its mark the
-- clock is believed. The server would forget by its clock, whatever that says, so it is not left to it.
local remembered, clock, digest = KEYS[1], KEYS[2], ARGV[1]
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local believed, mark = now_ms, tonumber(redis.call('HGET', clock, 'mark') or 0)
if mark > 0 then
  believed = math.min(now_ms, mark + tonumber(ARGV[3]))
end
local known = tonumber(redis.call('ZSCORE', remembered, digest) or 0)
if ARGV[2] ~= '' then
  if ARGV[2] == '0' then
    redis.call('ZREM', remembered, digest)
  else
    redis.call('ZADD', remembered, string.format('%.0f', now_ms + tonumber(ARGV[2])), digest)
  end
end
return known > believed and 0 or 1
