-- Adds entries, each under a revision of its own. The arguments: a revision that they have to be later than, then three
-- for each: name, up to which revision it reaches or nothing, when it expires.
tell()
local revision = math.max(latest_revision(), tonumber(ARGV[1]))
for at = 2, #ARGV, 3 do
  revision = revision_after(revision)
  put_revocation(ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), revision)
end
call('SET', latest, text(revision))
return 1
