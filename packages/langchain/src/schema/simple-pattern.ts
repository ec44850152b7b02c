const MAX_LENGTH = 200;
const MAX_COMBINATIONS = 100;

/**
 * Whether a backtracking engine certainly needs at most linear time for a pattern of a JSON Schema. The pattern starts with `^`, has no
 * group, alternative or backreference, repeats at most one character without a limit, and the other repetitions have few combinations.
 * Patterns such as `^[a-z0-9-]+$` and `^\d{4}-\d{2}-\d{2}$` are simple.
 */
export function isSimplePattern(pattern: string): boolean {
  if (pattern.length > MAX_LENGTH || !pattern.startsWith('^') || !isValid(pattern)) return false;
  if (/\\[1-9k]/u.test(pattern)) return false;
  // An escape and a character class match one character.
  const characters = pattern.replace(/\\./gsu, 'x').replace(/\[[^\]]*\]/gu, 'x');
  if (/[()|]/u.test(characters)) return false;
  let unlimited = characters.match(/[*+]/gu)?.length ?? 0;
  let combinations = 2 ** (characters.match(/\?/gu)?.length ?? 0);
  for (const { groups } of characters.matchAll(/\{(?<from>\d+)(?<comma>,?)(?<to>\d*)\}/gu)) {
    const { from = '', comma = '', to = '' } = groups ?? {};
    if (Number(from) > MAX_LENGTH) return false;
    if (comma !== '' && to === '') unlimited += 1;
    else if (comma !== '') combinations *= Number(to) - Number(from) + 1;
  }
  return unlimited <= 1 && combinations <= MAX_COMBINATIONS;
}

function isValid(pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}
