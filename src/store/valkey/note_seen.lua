-- Notes when sessions were last seen, two arguments each: name and time, in as many digits as a row begins with.
for at = 1, #ARGV, 2 do
  local sid, seen = ARGV[at], ARGV[at + 1]
  local row = call('HGET', sessions, sid)
  if row and string.sub(row, 1, #seen) < seen then
    call('HSET', sessions, sid, seen .. string.sub(row, #seen + 1))
  end
end
return 1
