-- Removes what has expired, at most so many of a kind, replicas that were silent for so many seconds, and
-- revocations that expired so many seconds ago. Returns the most that was removed of a kind.
local most, memory, apart = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local revocations = call('ZRANGEBYSCORE', expiry, '-inf', text(now - apart), 'LIMIT', 0, most)
for _, id in ipairs(revocations) do
  forget_revocation(id)
end
local over = call('ZRANGEBYSCORE', ends, '-inf', text(now), 'LIMIT', 0, most)
for _, sid in ipairs(over) do
  end_session(sid)
end
local all = call('HGETALL', replicas)
for at = 1, #all, 2 do
  if tonumber(string.match(all[at + 1], '^%d+') or 0) < now - memory then
    call('HDEL', replicas, all[at])
  end
end
return math.max(#revocations, #over)
