import { z } from 'zod';

export const document = z.object({
  id: z.string().describe('For example inventory-policy'),
  title: z.string(),
  owner: z.string(),
  updatedOn: z.string().describe('ISO 8601 date'),
  text: z.string(),
});

export type Document = z.infer<typeof document>;

export interface Passage {
  id: string;
  title: string;
  /** The line that contains the most of the search words. */
  excerpt: string;
}

/** A small read-only collection of documents. */
export interface DocumentLibrary {
  list(): readonly Document[];
  read(id: string): Document | undefined;
  /** Finds documents that contain at least one word of `text`. Documents that contain more words come first. */
  search(text: string): Passage[];
}

export function openDocumentLibrary(documents: readonly Document[]): DocumentLibrary {
  return {
    list: () => documents,
    read: (id) => documents.find((entry) => entry.id === id),
    search(text) {
      const words = [
        ...new Set(
          text
            .toLowerCase()
            .split(/[^\p{L}\p{N}-]+/u)
            .filter(Boolean),
        ),
      ];
      const matches = (line: string) => words.filter((word) => line.toLowerCase().includes(word)).length;
      return documents
        .map((entry) => ({ entry, score: matches(`${entry.title}\n${entry.text}`) }))
        .filter(({ score }) => score > 0)
        .sort((a, b) => b.score - a.score)
        .map(({ entry }) => ({ id: entry.id, title: entry.title, excerpt: bestLine(entry.text, matches) }));
    },
  };
}

function bestLine(text: string, score: (line: string) => number): string {
  const lines = text.split('\n').filter(Boolean);
  return lines.reduce((best, line) => (score(line) > score(best) ? line : best), lines[0] ?? '');
}
