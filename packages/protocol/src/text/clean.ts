import { redact } from './redact.ts';

// eslint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+/gu;
const JWT_LIKE = /eyJ[\w-]{4,}\.[\w-]*(?:\.[\w-]*)*/gu;

/** The maximum length of a peer's text in errors, events and logs, in UTF-16 code units. */
export const MAX_PEER_TEXT = 300;

/**
 * Makes a peer's text safe to show. The function replaces control and direction characters with a space (a line break in an error
 * description can forge a log line), redacts JWTs and the given `secrets`, and cuts the text to `max` characters.
 */
export function cleanText(text: string, options: { max?: number; secrets?: Iterable<string> } = {}): string {
  const max = options.max ?? MAX_PEER_TEXT;
  const clean = redact(text, options.secrets ?? [])
    .slice(0, max * 8)
    .replace(UNPRINTABLE, ' ')
    .replace(JWT_LIKE, '[redacted]')
    .trim();
  return clean.length > max ? `${clean.slice(0, max - 1)}…` : clean;
}

/**
 * Formats a peer's identifier (an issuer, a resource, a type) for use in an error message. Printable ASCII without spaces
 * and quotes is returned in quotes. For anything else a description is returned, so that a peer cannot add a sentence to
 * the message.
 */
export function identifier(value: unknown, options: { max?: number; secrets?: Iterable<string> } = {}): string {
  if (value === undefined || value === '') return 'missing';
  if (Array.isArray(value)) {
    const named = value.slice(0, 3).map((item) => (Array.isArray(item) ? 'a list' : identifier(item, options)));
    return `[${named.join(', ')}${value.length > 3 ? `, and ${value.length - 3} more` : ''}]`;
  }
  if (typeof value !== 'string') return 'not a string';
  if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/u.test(value)) return 'text that is not an identifier';
  return `"${cleanText(value, { max: 120, ...options })}"`;
}
