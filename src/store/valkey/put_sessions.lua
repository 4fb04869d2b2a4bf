-- Puts sessions in the place of those of the same names, four arguments each: name, row, user, end.
for at = 1, #ARGV, 4 do
  local sid, row, owner, ends_at = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  end_session(sid)
  call('HSET', sessions, sid, row)
  call('ZADD', sids, 0, sid)
  call('ZADD', owners, 0, owner .. '\0' .. sid)
  call('ZADD', ends, ends_at, sid)
end
return 1
