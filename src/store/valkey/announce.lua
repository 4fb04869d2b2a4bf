-- Notes what a replica says, and returns what others said lately: for each the name and what it said. The arguments:
-- name, what it says, within how many seconds.
local name, since = ARGV[1], now - tonumber(ARGV[3])
call('HSET', replicas, name, text(now) .. ' ' .. ARGV[2])
local all, heard = call('HGETALL', replicas), {}
for at = 1, #all, 2 do
  local seen, said = string.match(all[at + 1], '^(%d+) (.*)$')
  if all[at] ~= name and (not seen or tonumber(seen) >= since) then
    heard[#heard + 1] = all[at]
    heard[#heard + 1] = said or ''
  end
end
return heard
