-- Sessions by name between two bounds, at most so many: for each the name and the row. The arguments: lower bound, upper
-- bound, limit, and the user where only one user's are asked for.
local lower, upper, limit, owner = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local found
if owner then
  found = call('ZRANGEBYLEX', owners, lower, upper, 'LIMIT', 0, limit)
  for at, owned in ipairs(found) do
    found[at] = string.sub(owned, #owner + 2)
  end
else
  found = call('ZRANGEBYLEX', sids, lower, upper, 'LIMIT', 0, limit)
end
local rows, page = values_of(sessions, found), {}
for at, sid in ipairs(found) do
  page[#page + 1] = sid
  page[#page + 1] = rows[at]
end
return page
