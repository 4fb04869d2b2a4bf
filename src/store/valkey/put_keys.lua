-- Puts a key ring in the place of a version, if that is the present one. The arguments: sealed ring, that version.
local version = tonumber(call('HGET', ring, 'version') or 0)
if version ~= tonumber(ARGV[2]) then
  return 0
end
tell()
call('HSET', ring, 'version', text(version + 1), 'sealed', ARGV[1])
return 1
