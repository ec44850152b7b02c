/** Up to three of the titles that share most words with the wanted one, the nearest first. */
export function nearestTitles(wanted: string, titles: Iterable<string>): string[] {
  const words = wordsOf(wanted);
  return [...new Set(titles)]
    .map((title) => ({ title, likeness: likeness(words, wordsOf(title)) }))
    .filter((each) => each.likeness > 0)
    .toSorted((a, b) => b.likeness - a.likeness)
    .slice(0, 3)
    .map(({ title }) => title);
}

function wordsOf(title: string): Set<string> {
  return new Set(title.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? []);
}

/** From 0 (no word in common) to 1 (the same words). */
function likeness(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const common = [...a].filter((word) => b.has(word)).length;
  return (2 * common) / (a.size + b.size);
}
