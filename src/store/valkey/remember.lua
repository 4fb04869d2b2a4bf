-- Remembers a digest for so many milliseconds from now on; whether it was not remembered before.
local is_new = redis.call('EXISTS', KEYS[1]) == 0
if ARGV[1] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
end
return is_new and 1 or 0
