/** What an absolute URL consists of; undefined for a text that is none. `URL.parse` is not in every Node.js 20. */
export function parsedUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
