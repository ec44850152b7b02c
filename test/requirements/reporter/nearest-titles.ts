/** Up to three titles that are most similar to `wanted` by their words, the most similar first. */
export function nearestTitles(wanted: string, titles: Iterable<string>): string[] {
  const words = wordsOf(wanted);
  return [...new Set(titles)]
    .map((title) => ({ title, similarity: similarity(words, wordsOf(title)) }))
    .filter((each) => each.similarity > 0)
    .toSorted((a, b) => b.similarity - a.similarity)
    .slice(0, 3)
    .map(({ title }) => title);
}

function wordsOf(title: string): Set<string> {
  return new Set(title.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? []);
}

/** The similarity of two sets of words, from 0 (no common word) to 1 (the same words). */
function similarity(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const common = [...a].filter((word) => b.has(word)).length;
  return (2 * common) / (a.size + b.size);
}
