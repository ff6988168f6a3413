-- Counts one, or refuses it: at most `max` in any span of `window`. All times are microseconds of
-- the caller's clock; doubles hold them exactly for centuries.
--
-- KEYS[1]  the times that still count, oldest first, never descending
-- ARGV     max, window, now, and how far ahead of now a time may be
-- Returns  -1 if it was counted, else after how long there is room
local key = KEYS[1]
local max, window, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

-- The clock was put back: what it counted before is dated now.
local newest = redis.call('LINDEX', key, -1)
if newest and tonumber(newest) > now + tonumber(ARGV[4]) then
    for nth = redis.call('LLEN', key) - 1, 0, -1 do
        if tonumber(redis.call('LINDEX', key, nth)) <= now then
            break
        end
        redis.call('LSET', key, nth, string.format('%.0f', now))
    end
end

local first = redis.call('LINDEX', key, 0)
while first and tonumber(first) + window <= now do
    redis.call('LPOP', key)
    first = redis.call('LINDEX', key, 0)
end

local count = redis.call('LLEN', key)
if count >= max then
    -- The one that has to stop counting; there are more after it if the limit was lowered.
    local blocking = redis.call('LINDEX', key, count - max)
    local free = (blocking and tonumber(blocking) or now) + window
    return math.min(window, math.max(0, free - now))
end

-- A clock that lags must not make its failures count for less.
local last = redis.call('LINDEX', key, -1)
local at = now
if last and tonumber(last) > at then
    at = tonumber(last)
end
redis.call('RPUSH', key, string.format('%.0f', at))
-- By the clock of Redis, and a second later than need be: it only frees the memory.
redis.call('PEXPIRE', key, string.format('%.0f', math.ceil((at - now + window) / 1000) + 1000))
return -1
