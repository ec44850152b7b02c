/** Deletes the key if its value is ARGV[1]. */
export const DELETE_IF = `if redis.pcall('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`;

/** Sets the key's remaining lifetime to ARGV[2] milliseconds if its value is ARGV[1]. */
export const EXTEND_IF = `if redis.pcall('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0`;

/**
 * Returns the value if it is a text of at most ARGV[1] bytes, and an empty text for another type or a longer value, so that whatever
 * stands in Redis is never sent to the process as a whole.
 */
export const GET_BOUNDED = `
local value = redis.pcall('get', KEYS[1])
if type(value) == 'table' then
  if string.find(value.err or '', 'WRONGTYPE', 1, true) then return '' end
  return value
end
if value and #value > tonumber(ARGV[1]) then return '' end
return value`;

/**
 * Sets the key to ARGV[1] for ARGV[2] milliseconds and returns 1. Returns 0 if its value looks encrypted and begins with none of the
 * other arguments, which are the heads of all texts that this process can decrypt.
 */
export const SET_UNLESS_FOREIGN = `
local value = redis.pcall('get', KEYS[1])
if type(value) == 'string' and string.find(value, '^A[Q-Za-f][%w_-]+$') then
  local head = string.sub(value, 1, 12)
  local isKnown = false
  for index = 3, #ARGV do isKnown = isKnown or ARGV[index] == head end
  if not isKnown then return 0 end
end
redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;
