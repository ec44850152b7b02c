/** Parses an absolute URL; undefined for any other text. Some versions of Node.js 20 have no `URL.parse`. */
export function parsedUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
