-- Users by name from a bound on, at most so many: for each the name and the row.
local found = call('ZRANGEBYLEX', names, ARGV[1], '+', 'LIMIT', 0, ARGV[2])
local rows, page = values_of(users, found), {}
for at, name in ipairs(found) do
  page[#page + 1] = name
  page[#page + 1] = rows[at]
end
return page
