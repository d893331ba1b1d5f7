// Lua that Redis runs, each of one piece: nobody else changes anything meanwhile, and a crash leaves all of it or nothing.
// Every script is given the prefix of all keys first. Of a job there are
//   PREFIX:job:ID      its members: request, progress, body (the others), state, kind, owner, idem, rev, events
//   PREFIX:told:ID     its events by number: "AT\nSLOT\nKIND\nEVENT"
//   PREFIX:numbers:ID  the numbers of all that are kept; PREFIX:numbers:ID:KIND of one kind
//   PREFIX:slots:ID    the number of the last event of a slot
// and beside them sets of ids: PREFIX:ids[:state:X|:kind:X|:owner:X], PREFIX:ended by when, PREFIX:versions by their last change.

const shared = `
local prefix = ARGV[1]
local open = { waiting = true, delayed = true, running = true }
local function touch(id)
  redis.call('ZADD', prefix .. ':versions', redis.call('INCR', prefix .. ':version'), id)
end
local function drop(id, number)
  local told = redis.call('HGET', prefix .. ':told:' .. id, number)
  if not told then return end
  local slot, kind = string.match(told, '^[^\\n]*\\n([^\\n]*)\\n([^\\n]*)\\n')
  redis.call('HDEL', prefix .. ':told:' .. id, number)
  redis.call('ZREM', prefix .. ':numbers:' .. id, number)
  redis.call('ZREM', prefix .. ':numbers:' .. id .. ':' .. kind, number)
  if slot ~= '' and redis.call('HGET', prefix .. ':slots:' .. id, slot) == tostring(number) then
    redis.call('HDEL', prefix .. ':slots:' .. id, slot)
  end
end
local function note(id, at, slot, kind, keep, event)
  if slot ~= '' then
    local before = redis.call('HGET', prefix .. ':slots:' .. id, slot)
    if before then drop(id, before) end
  end
  local number = redis.call('HINCRBY', prefix .. ':job:' .. id, 'events', 1)
  local kinds = prefix .. ':numbers:' .. id .. ':' .. kind
  redis.call('HSET', prefix .. ':told:' .. id, number, at .. '\\n' .. slot .. '\\n' .. kind .. '\\n' .. event)
  redis.call('ZADD', prefix .. ':numbers:' .. id, number, number)
  redis.call('ZADD', kinds, number, number)
  if slot ~= '' then redis.call('HSET', prefix .. ':slots:' .. id, slot, number) end
  for _, old in ipairs(redis.call('ZRANGE', kinds, 0, -1 - keep)) do drop(id, old) end
end
local function parts(id)
  return redis.call('HMGET', prefix .. ':job:' .. id, 'request', 'progress', 'body', 'rev')
end
`;

/**
 * ARGV: id, idempotency key or "", state, kind, owner, ended or "", request, progress or "", body, then of the event at,
 * slot, kind, keep, event. Gives whether it is new, and the job that is there.
 */
export const create = `${shared}
local id, idem, state, kind, owner, ended = unpack(ARGV, 2, 7)
if idem ~= '' then
  local made = redis.call('HGET', prefix .. ':idem', idem)
  local known = made and redis.call('HMGET', prefix .. ':job:' .. made, 'state', 'body') or {}
  local taken = known[1] ~= 'cancelled' or not string.find(known[2], '"cancelRequested":false', 1, true)
  if known[1] and taken then return { 0, parts(made) } end
end
if redis.call('EXISTS', prefix .. ':job:' .. id) == 1 then return { 0, parts(id) } end
redis.call('HSET', prefix .. ':job:' .. id, 'state', state, 'kind', kind, 'owner', owner, 'idem', idem,
  'request', ARGV[8], 'progress', ARGV[9], 'body', ARGV[10], 'rev', 1, 'events', 0)
if idem ~= '' then redis.call('HSET', prefix .. ':idem', idem, id) end
for _, set in ipairs({ '', ':state:' .. state, ':kind:' .. kind, ':owner:' .. owner }) do
  redis.call('ZADD', prefix .. ':ids' .. set, 0, id)
end
if ended ~= '' then redis.call('ZADD', prefix .. ':ended', ended, id) end
note(id, unpack(ARGV, 11, 15))
touch(id)
return { 1, parts(id) }
`;

/**
 * ARGV: id, the revision that is changed, state, ended or "", progress or "", body, then at, slot, kind, keep and event of
 * the change of state. Gives 0 where it has another revision.
 */
export const update = `${shared}
local id, rev, state, ended, progress, body = unpack(ARGV, 2, 7)
local key = prefix .. ':job:' .. id
local now = redis.call('HMGET', key, 'rev', 'state')
if now[1] ~= rev then return 0 end
redis.call('HSET', key, 'state', state, 'progress', progress, 'body', body)
redis.call('HINCRBY', key, 'rev', 1)
if ended ~= '' then redis.call('ZADD', prefix .. ':ended', ended, id) end
if now[2] ~= state then
  redis.call('ZREM', prefix .. ':ids:state:' .. now[2], id)
  redis.call('ZADD', prefix .. ':ids:state:' .. state, 0, id)
  note(id, unpack(ARGV, 8, 12))
end
touch(id)
return 1
`;

/** ARGV: id, progress. */
export const progress = `${shared}
local key = prefix .. ':job:' .. ARGV[2]
if not open[redis.call('HGET', key, 'state')] then return 0 end
redis.call('HSET', key, 'progress', ARGV[3])
redis.call('HINCRBY', key, 'rev', 1)
touch(ARGV[2])
return 1
`;

/** ARGV: id, at, slot, kind, keep, event. */
export const note = `${shared}
local id = ARGV[2]
if not open[redis.call('HGET', prefix .. ':job:' .. id, 'state')] then return 0 end
note(id, unpack(ARGV, 3, 7))
return 1
`;

/** ARGV: id, after, limit. Gives whether more may come, and numbers and events in turns. */
export const story = `${shared}
local id = ARGV[2]
local numbers = redis.call('ZRANGEBYSCORE', prefix .. ':numbers:' .. id, '(' .. ARGV[3], '+inf', 'LIMIT', 0, ARGV[4])
local told = {}
for _, number in ipairs(numbers) do
  table.insert(told, number)
  table.insert(told, redis.call('HGET', prefix .. ':told:' .. id, number))
end
return { open[redis.call('HGET', prefix .. ':job:' .. id, 'state')] and 1 or 0, told }
`;

/** ARGV: version, limit. Gives versions and jobs in turns; all there are, where Redis was emptied and counts anew. */
export const changed = `${shared}
local after = tonumber(ARGV[2])
if after > tonumber(redis.call('GET', prefix .. ':version') or 0) then after = 0 end
local found = redis.call('ZRANGEBYSCORE', prefix .. ':versions', '(' .. after, '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
local jobs = {}
for n = 1, #found, 2 do
  table.insert(jobs, found[n + 1])
  table.insert(jobs, parts(found[n]))
end
return jobs
`;

/** ARGV: time, limit. Gives how many were removed. */
export const forget = `${shared}
local ids = redis.call('ZRANGEBYSCORE', prefix .. ':ended', '-inf', '(' .. ARGV[2], 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do
  local key = prefix .. ':job:' .. id
  local job = redis.call('HMGET', key, 'state', 'kind', 'owner', 'idem')
  if job[4] and job[4] ~= '' and redis.call('HGET', prefix .. ':idem', job[4]) == id then
    redis.call('HDEL', prefix .. ':idem', job[4])
  end
  for _, set in ipairs({ ':ids', ':ended', ':versions' }) do redis.call('ZREM', prefix .. set, id) end
  if job[1] then
    redis.call('ZREM', prefix .. ':ids:state:' .. job[1], id)
    redis.call('ZREM', prefix .. ':ids:kind:' .. job[2], id)
    redis.call('ZREM', prefix .. ':ids:owner:' .. job[3], id)
  end
  local numbers = prefix .. ':numbers:' .. id
  redis.call('DEL', key, prefix .. ':told:' .. id, prefix .. ':slots:' .. id, numbers)
  for _, kind in ipairs({ 'state', 'image', 'failure', 'blob', 'message' }) do
    redis.call('DEL', numbers .. ':' .. kind)
  end
end
return #ids
`;
