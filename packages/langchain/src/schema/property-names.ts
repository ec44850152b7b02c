/** The names of parameters that every provider accepts. Anthropic has the narrowest rule. */
const PORTABLE = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/u;
const MAX_LENGTH = 64;

/** A name for each name of a parameter that every provider accepts: the same one if it is accepted, otherwise one that no other has. */
export function portableNames(originals: readonly string[]): ReadonlyMap<string, string> {
  const taken = new Set(originals.filter((name) => PORTABLE.test(name)));
  return new Map(
    originals.map((original) => {
      if (PORTABLE.test(original)) return [original, original];
      const simple = original.replace(/[^A-Za-z0-9_.-]/gu, '_').replace(/^(?![A-Za-z_])/u, '_');
      let name = simple.slice(0, MAX_LENGTH);
      for (let number = 2; taken.has(name); number += 1) {
        name = `${simple.slice(0, MAX_LENGTH - 6)}_${number}`;
      }
      taken.add(name);
      return [original, name];
    }),
  );
}
