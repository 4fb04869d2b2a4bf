-- Which format is there; if there is none, and only then, the format of the first argument where that is not empty.
local found = call('GET', format)
if not found and ARGV[1] ~= '' then
  call('SET', format, ARGV[1])
  return ARGV[1]
end
-- Format 1 had attempts and digests that expire by themselves, and nothing noted about time.
if found == '1' then
  call('SET', format, '2')
  return '2'
end
return found or ''
