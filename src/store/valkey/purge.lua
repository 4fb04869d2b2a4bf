-- Removes what has expired, at most so many of a kind, replicas that were silent for so many seconds, and
-- revocations that expired so many seconds ago, all by the time of the last argument, in seconds since 1970. What is
-- forgotten about revocations is noted. Returns the most that was removed of a kind.
local most, memory, apart, at_time = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local last = call('ZREVRANGEBYSCORE', expiry, text(at_time - apart), '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
if last[2] then
  put_forgotten(tonumber(last[2]), latest_revision())
end
local revocations = call('ZRANGEBYSCORE', expiry, '-inf', text(at_time - apart), 'LIMIT', 0, most)
for _, id in ipairs(revocations) do
  forget_revocation(id)
end
local over = call('ZRANGEBYSCORE', ends, '-inf', text(at_time), 'LIMIT', 0, most)
for _, sid in ipairs(over) do
  end_session(sid)
end
local digests = call('ZRANGEBYSCORE', remembered, '-inf', text(at_time * 1000), 'LIMIT', 0, most)
for _, digest in ipairs(digests) do
  call('ZREM', remembered, digest)
end
local all = call('HGETALL', replicas)
for at = 1, #all, 2 do
  if tonumber(string.match(all[at + 1], '^%d+') or 0) < at_time - memory then
    call('HDEL', replicas, all[at])
  end
end
return math.max(#revocations, #over, #digests)
