-- Removes the oldest entries of the trail, as long as they are earlier than a time; at most so many. Whether there may be more.
local before, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local gone = 0
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, most - 1)) do
  local noted_at = tonumber(string.match(member, '^%d+ (%d+) ') or 0)
  if noted_at >= before then
    break
  end
  redis.call('ZREM', KEYS[1], member)
  gone = gone + 1
end
return gone == most and 1 or 0
