-- Revokes what the arguments name, after the longest lifetime.
tell()
return revoke(2, tonumber(ARGV[1]))
