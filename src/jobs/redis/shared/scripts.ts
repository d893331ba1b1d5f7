/**
 * What Redis does in one go. Time is the server's: workers need not agree on it. Of one subject all keys have the same
 * hash tag, so that they lie together in a cluster.
 */

/** The server's time in microseconds. */
const time = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
`;

/** How long it is known when a turn was last had, in milliseconds. */
export const turnMemoryMs = 10 * 60_000;

/**
 * Takes a turn or a place in the line for it.
 *
 * KEYS: holder, line (by time of asking), present (until when each in it counts), had (when it was last had).
 * ARGV: token, lease in ms, patience in ms: who has not asked again by then is passed over.
 * Returns -1 where the turn is had, else the milliseconds after which to ask again at the latest.
 */
export const takeTurn = `${time}
local holder, line, present, had = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local token, lease, patience = ARGV[1], ARGV[2], tonumber(ARGV[3])
local function take()
  redis.call('SET', holder, token, 'PX', lease)
  redis.call('SET', had, string.format('%.0f', now), 'PX', ${turnMemoryMs})
  return -1
end
local has = redis.call('GET', holder)
if has == token then return take() end
if not has and redis.call('EXISTS', line) == 0 then return take() end
redis.call('ZADD', line, 'NX', string.format('%.0f', now), token)
redis.call('HSET', present, token, string.format('%.0f', now + patience * 1000))
redis.call('PEXPIRE', line, patience * 2)
redis.call('PEXPIRE', present, patience * 2)
if has then return redis.call('PTTL', holder) end
while true do
  local first = redis.call('ZRANGE', line, 0, 0)[1]
  if not first or first == token then break end
  local left = tonumber(redis.call('HGET', present, first) or 0) - now
  if left > 0 then return math.ceil(left / 1000) end
  redis.call('ZREM', line, first)
  redis.call('HDEL', present, first)
end
redis.call('ZREM', line, token)
redis.call('HDEL', present, token)
return take()
`;

/**
 * Takes a turn where nobody has it, waits for it or had it lately.
 *
 * KEYS: holder, line, had. ARGV: token, lease in ms, how long it must have been quiet in ms. Returns -1 where it is not
 * had, -2 where it is and nobody is known to have had it before, else how many microseconds ago somebody had.
 */
export const takeQuietTurn = `${time}
if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('EXISTS', KEYS[2]) == 1 then return -1 end
local quiet = tonumber(ARGV[3])
if quiet >= ${turnMemoryMs} then return -1 end
local had = redis.call('GET', KEYS[3])
if had and now - tonumber(had) <= quiet * 1000 then return -1 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[3], string.format('%.0f', now), 'PX', ${turnMemoryMs})
if not had then return -2 end
return math.max(0, now - tonumber(had))
`;

/**
 * Gives a turn back that was taken by {@link takeQuietTurn} and not used, as if it had not been, and tells those who wait.
 *
 * KEYS: holder, had. ARGV: token, how many microseconds before it was taken somebody else had it, channel, what to tell there.
 */
export const giveBackTurn = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
local taken = redis.call('GET', KEYS[2])
if taken then
  redis.call('SET', KEYS[2], string.format('%.0f', tonumber(taken) - tonumber(ARGV[2])), 'PX', ${turnMemoryMs})
end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
`;

/** Keeps a turn. KEYS: holder, had. ARGV: token, lease in ms. Returns 1 where it was still had. */
export const keepTurn = `${time}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], string.format('%.0f', now), 'PX', ${turnMemoryMs})
return 1
`;

/** How many milliseconds of a turn are left at most; below 0 where nobody has it. KEYS: holder. */
export const turnLeft = `return redis.call('PTTL', KEYS[1])`;

/**
 * Ends a turn, or the wait for it, and tells those who wait.
 *
 * KEYS: holder, line, present, had. ARGV: token, channel, what to tell there.
 */
export const endTurn = `${time}
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[4], string.format('%.0f', now), 'PX', ${turnMemoryMs})
end
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('PUBLISH', ARGV[2], ARGV[3]) end
return 1
`;

/**
 * Buys some of what is limited a second; less than nothing gives it back.
 *
 * KEYS: when all is paid for, and the time when that was written: a server's clock may be set back. ARGV: the price in
 * microseconds, and how much time unused may be used at once. Returns the microseconds to wait before it is used.
 */
export const buy = `${time}
local paid = 0
local known = redis.call('GET', KEYS[1])
if known then
  local at, written = string.match(known, '^(-?%d+) (%d+)$')
  paid = tonumber(at) - math.max(0, tonumber(written) - now)
end
local at = math.max(paid, now - tonumber(ARGV[2]))
local owed = at + tonumber(ARGV[1])
local keep = math.max(0, math.ceil((owed - now) / 1000)) + 1000
redis.call('SET', KEYS[1], string.format('%.0f %.0f', owed, now), 'PX', keep)
return math.max(0, math.ceil(at - now))
`;

/** Puts a repository first among those that hold a blob. KEYS: they. ARGV: it, how many are kept, for how long in ms. */
export const placeBlob = `
redis.call('LREM', KEYS[1], 0, ARGV[1])
redis.call('LPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], 0, ARGV[2] - 1)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`;

/** Takes a repository out of those that hold a blob. KEYS: they. ARGV: it. */
export const forgetBlob = `return redis.call('LREM', KEYS[1], 0, ARGV[1])`;

/** Those that hold a blob, the most recent first. KEYS: they. */
export const findBlob = `return redis.call('LRANGE', KEYS[1], 0, -1)`;

/** Writes down and tells what a host told of the pulls left. KEYS: where. ARGV: text, for how long in ms, channel. */
export const tellPulls = `
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return redis.call('PUBLISH', ARGV[3], ARGV[1])
`;

/** What a host told last. KEYS: where. */
export const readPulls = `return redis.call('GET', KEYS[1])`;
