-- Adds users, two arguments each: name and row. Returns the first name that exists, and adds none then.
local added = {}
for at = 1, #ARGV, 2 do
  local name = ARGV[at]
  if added[name] or call('HEXISTS', users, name) == 1 then
    return name
  end
  added[name] = true
end
for at = 1, #ARGV, 2 do
  put_user(ARGV[at], ARGV[at + 1])
end
return ''
