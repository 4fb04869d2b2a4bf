-- Puts another row, or none where it is empty, in the place of a user's row, if that is still the same, and revokes what
-- the arguments name. The arguments: name, row before, row after, longest lifetime, what to revoke. Returns nothing where
-- somebody has changed the row meanwhile.
local name, before, after, longest = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if call('HGET', users, name) ~= before then
  return {}
end
if #ARGV > 4 then
  tell()
end
if after == '' then
  count_scheme(before, -1)
  call('HDEL', users, name)
  call('ZREM', names, name)
else
  put_user(name, after)
end
if #ARGV > 4 then
  return revoke(5, longest)
end
return { '0' }
