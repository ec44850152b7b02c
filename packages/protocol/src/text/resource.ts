import { parsedUrl } from './parsed-url.ts';

/**
 * The ASCII characters of a URI, and every character of a script. No control, no invisible character, no space, no backslash: the URL
 * parser drops or replaces them, so two texts that a person reads as different would be equal. No `#`: a resource identifier has
 * no fragment (RFC 8707 section 2). A `%` begins an escape.
 */
const URI = /^(?:[!$&-;=?-Z[\]_a-z~]|%[\da-f]{2}|[^\p{ASCII}\p{C}\p{Z}])+$/iu;
const ESCAPE = /%[\da-f]{2}/giu;
const UNRESERVED = /^[\w.~-]$/u;

/**
 * The form in which resource identifiers are compared: the URL parser's `href`, in which escapes of unreserved characters are
 * decoded and all other escapes are in upper case (the syntax-based normalisation of RFC 3986 section 6.2.2, and the default port
 * and the empty path of section 6.2.3). A final slash of any other path, a query without characters and a final dot of the host
 * stay: each makes another identifier. Undefined for a text that is not an absolute URI without a fragment.
 */
export function normalResource(value: string): string | undefined {
  if (!URI.test(value)) return undefined;
  return parsedUrl(value)?.href.replace(ESCAPE, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return UNRESERVED.test(character) ? character : escape.toUpperCase();
  });
}

/** Whether two resource identifiers are equal, or are URIs with the same {@link normalResource}. */
export function sameResource(a: string, b: string): boolean {
  if (a === b) return true;
  const normal = normalResource(a);
  return normal !== undefined && normal === normalResource(b);
}

/**
 * Whether `value` is spelled as its {@link normalResource}. The final slash of a URL without a path may be missing
 * (`https://mcp.example`). Another spelling in a peer's document is refused: programs that compare strings would take it for
 * another resource.
 */
export function isNormalResource(value: string): boolean {
  const normal = normalResource(value);
  return normal !== undefined && (normal === value || normal === `${value}/`);
}
