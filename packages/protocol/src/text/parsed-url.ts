/**
 * Parses a URL, relative to `base` if it is set; undefined for any other text. Some versions of Node.js 20 have no `URL.parse`. Their
 * `URL.canParse`, once the engine has optimised its caller, is false for every text with a character from U+0080 to U+00FF.
 */
export function parsedUrl(text: string, base?: string | URL): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}
