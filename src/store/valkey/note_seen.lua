-- Notes when sessions were last seen, three arguments each: name, time, and the latest time that is believed; times in as
-- many digits as a row begins with.
for at = 1, #ARGV, 3 do
  local sid, seen, latest = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local row = call('HGET', sessions, sid)
  local known = row and string.sub(row, 1, #seen)
  if row and (known < seen or known > latest) then
    call('HSET', sessions, sid, seen .. string.sub(row, #seen + 1))
  end
end
return 1
