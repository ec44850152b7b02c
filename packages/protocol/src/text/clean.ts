import { redact } from './redact.ts';

/**
 * Characters that show nothing, or change how their neighbours are shown: controls, format characters (among them direction marks
 * and tags, with which a text can be hidden in another one), unassigned and private characters, lone surrogates, line and paragraph
 * separators, and what Unicode says to ignore (variation selectors, fillers).
 */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}\p{DI}]+/gu;
const UNPRINTABLE_IN_LINES = /(?:(?![\n\t])[\p{C}\p{Zl}\p{Zp}\p{DI}])+/gu;
const JWT_LIKE = /eyJ[\w-]{4,}\.[\w-]*(?:\.[\w-]*)*/gu;

/** The maximum length of a peer's text in errors, events and logs, in UTF-16 code units. */
export const MAX_PEER_TEXT = 300;

/**
 * Makes a peer's text safe to show on one line. The function replaces controls, line breaks and invisible characters with a space (a
 * line break in an error description can forge a log line), redacts JWTs and the given `secrets`, and cuts the text to `max`
 * UTF-16 code units (default 300).
 */
export function cleanText(text: string, options: { max?: number; secrets?: Iterable<string> } = {}): string {
  return cleaned(text, UNPRINTABLE, options);
}

/**
 * Makes a peer's text of several lines safe to show, like {@link cleanText}. Line breaks and tabs stay. CR, and CR LF, become a line
 * break.
 */
export function cleanLines(text: string, options: { max?: number; secrets?: Iterable<string> } = {}): string {
  return cleaned(text, UNPRINTABLE_IN_LINES, options, (part) => part.replace(/\r\n?|[\u0085\u2028\u2029]/gu, '\n'));
}

function cleaned(
  text: string,
  unprintable: RegExp,
  { max = MAX_PEER_TEXT, secrets = [] }: { max?: number; secrets?: Iterable<string> },
  prepared: (part: string) => string = (part) => part,
): string {
  const clean = prepared(redact(text, secrets).slice(0, max * 8))
    .replace(unprintable, ' ')
    .replace(JWT_LIKE, '[redacted]')
    .trim();
  if (clean.length <= max) return clean;
  // The cut must not leave the first half of a surrogate pair.
  return `${clean.slice(0, max - 1).replace(/[\ud800-\udbff]$/u, '')}…`;
}

/**
 * Formats a peer's identifier (an issuer, a resource, a type) for use in an error message. Printable ASCII without spaces,
 * quotes and backslashes is returned in quotes, cut to `max` characters (default 120). For anything else a description is
 * returned, so that a peer cannot add a sentence to the message.
 */
export function identifier(value: unknown, options: { max?: number; secrets?: Iterable<string> } = {}): string {
  if (value === undefined || value === '') return 'missing';
  if (Array.isArray(value)) {
    const named = value.slice(0, 3).map((item) => (Array.isArray(item) ? 'a list' : identifier(item, options)));
    return `[${named.join(', ')}${value.length > 3 ? `, and ${value.length - 3} more` : ''}]`;
  }
  if (typeof value !== 'string') return 'not a string';
  if (!IDENTIFIER.test(value)) return 'text that is not an identifier';
  return `"${cleanText(value, { max: 120, ...options })}"`;
}

/** Printable ASCII without space, `"`, `'`, `<`, `>`, backslash and backtick: nothing that ends a quotation. */
const IDENTIFIER = /^[!#-&(-;=?-[\]-_a-~]+$/u;

/**
 * Whether a peer's identifier is short and plain enough to be part of our messages and events as it is: at most 300 characters of
 * those that {@link identifier} prints.
 */
export function isPlainIdentifier(value: string): boolean {
  return value.length <= MAX_PEER_TEXT && IDENTIFIER.test(value);
}
