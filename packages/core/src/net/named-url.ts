import { identifier, parsedUrl } from '@credence/protocol';

/**
 * Formats an identifier that a peer sent for a message. Only a URL is quoted, because any other text is a word that the peer chose.
 * The `secrets` are removed.
 */
export function namedUrl(value: unknown, options: { readonly secrets?: Iterable<string> } = {}): string {
  if (Array.isArray(value)) {
    const named = value.slice(0, 3).map((item) => (Array.isArray(item) ? 'a list' : namedUrl(item, options)));
    return `[${named.join(', ')}${value.length > 3 ? `, and ${value.length - 3} more` : ''}]`;
  }
  if (typeof value !== 'string' || value === '') return identifier(value);
  const isHttp = /^https?:$/u.test(parsedUrl(value)?.protocol ?? '');
  return isHttp ? identifier(value, options) : 'text that is not a URL';
}
