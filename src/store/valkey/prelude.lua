-- What every script begins with: the names of the keys, the server's clock, and the steps that several scripts take.
-- A script runs as a whole. What it checks stands before what it writes: a script that fails half-way is not undone.
local format, latest, order, expiry, reach, users, names, schemes, sessions, sids, owners, ends, ring, replicas, news, clock,
  remembered =
  unpack(KEYS)
local call = redis.call
local time = call('TIME')
local now = tonumber(time[1])
local now_ms = now * 1000 + math.floor(tonumber(time[2]) / 1000)
-- So many values are given to one call at most: Lua's stack is short.
local AT_ONCE = 1000

-- Numbers as text without an exponent.
local function text(number)
  return string.format('%.0f', number)
end

-- Subscribers read what is new after the script has ended, so they can be told before it is written; then a user that
-- may not publish changes nothing.
local function tell()
  call('PUBLISH', news, '')
end

local function revision_after(revision)
  return math.max(now_ms, revision + 1)
end

local function latest_revision()
  return tonumber(call('GET', latest) or 0)
end

-- A revocation in the order: its name, when it expires, and, where it reaches to what is earlier, up to which revision.
local function member(id, expires_at, earlier)
  if earlier then
    return id .. struct.pack('>I8I8', expires_at, earlier)
  end
  return id .. struct.pack('>I8', expires_at)
end

-- Of two about the same, the one that reaches farther and expires later holds.
local function put_revocation(id, earlier, expires_at, revision)
  local known = tonumber(call('ZSCORE', expiry, id) or nil)
  if known then
    local known_earlier = tonumber(call('HGET', reach, id) or nil)
    call('ZREM', order, member(id, known, known_earlier))
    expires_at = math.max(expires_at, known)
    if known_earlier then
      earlier = math.max(earlier or 0, known_earlier)
    end
  end
  call('ZADD', order, text(revision), member(id, expires_at, earlier))
  call('ZADD', expiry, text(expires_at), id)
  if earlier then
    call('HSET', reach, id, text(earlier))
  end
end

local function forget_revocation(id)
  local expires_at = tonumber(call('ZSCORE', expiry, id))
  local earlier = tonumber(call('HGET', reach, id) or nil)
  call('ZREM', order, member(id, expires_at, earlier))
  call('ZREM', expiry, id)
  call('HDEL', reach, id)
end

-- Of two the larger holds: until when what has expired was forgotten, and up to which revision.
local function put_forgotten(expired, under)
  call('HSET', clock, 'until', text(math.max(expired, tonumber(call('HGET', clock, 'until') or 0))))
  call('HSET', clock, 'under', text(math.max(under, tonumber(call('HGET', clock, 'under') or 0))))
end

-- Removes a session; returns when it would have ended, if it was there.
local function end_session(sid)
  local row = call('HGET', sessions, sid)
  if not row then
    return nil
  end
  local ends_at = tonumber(call('ZSCORE', ends, sid) or 0)
  local owner = string.match(row, '^%d+ ([^\n]*)\n')
  call('HDEL', sessions, sid)
  call('ZREM', sids, sid)
  call('ZREM', ends, sid)
  if owner then
    call('ZREM', owners, owner .. '\0' .. sid)
  end
  return ends_at
end

local function sessions_of(name)
  local found = call('ZRANGEBYLEX', owners, '[' .. name .. '\0', '(' .. name .. '\1')
  for at, owned in ipairs(found) do
    found[at] = string.sub(owned, #name + 2)
  end
  return found
end

-- Revokes what the arguments name, four for each from the first on: the kind, the name in the set, when it expires, and
-- the name of the session or the user. Returns how many sessions that ended, then for each its revision and when it
-- expires.
local function revoke(first, longest)
  local revision, ended = latest_revision(), 0
  local done = { 0 }
  for at = first, #ARGV, 4 do
    local kind, id, expires_at, name = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), ARGV[at + 3]
    revision = revision_after(revision)
    local last = math.floor(revision / 1000) + longest
    local earlier = nil
    if kind == 'session' then
      local ends_at = end_session(name)
      expires_at = ends_at or last
      ended = ended + (ends_at and 1 or 0)
    elseif kind == 'user' then
      expires_at, earlier = last, revision
      for _, sid in ipairs(sessions_of(name)) do
        end_session(sid)
        ended = ended + 1
      end
    elseif kind == 'everything' then
      expires_at, earlier = last, revision
      ended = ended + call('HLEN', sessions)
      call('UNLINK', sessions, sids, owners, ends)
    end
    put_revocation(id, earlier, expires_at, revision)
    done[#done + 1] = text(revision)
    done[#done + 1] = text(expires_at)
  end
  call('SET', latest, text(revision))
  done[1] = text(ended)
  return done
end

-- A user's row begins with the scheme of the password; how many users have each is counted.
local function count_scheme(row, by)
  local scheme = row and string.match(row, '^[^\n]*')
  if scheme and call('HINCRBY', schemes, scheme, by) <= 0 then
    call('HDEL', schemes, scheme)
  end
end

local function put_user(name, row)
  count_scheme(call('HGET', users, name), -1)
  call('HSET', users, name, row)
  call('ZADD', names, 0, name)
  count_scheme(row, 1)
end

-- The values of many fields of a hash.
local function values_of(hash, fields)
  local values = {}
  for first = 1, #fields, AT_ONCE do
    local some = call('HMGET', hash, unpack(fields, first, math.min(first + AT_ONCE - 1, #fields)))
    for at = 1, #some do
      values[#values + 1] = some[at] or ''
    end
  end
  return values
end
