-- Adds entries to the trail, each with a position of its own, and removes the oldest beyond so many.
local trail, latest, most = KEYS[1], KEYS[2], tonumber(ARGV[1])
for at = 2, #ARGV do
  local position = redis.call('INCR', latest)
  redis.call('ZADD', trail, position, position .. ' ' .. ARGV[at])
end
redis.call('ZREMRANGEBYRANK', trail, 0, -most - 1)
