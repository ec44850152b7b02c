import { cleanText, redactor } from '@credence/protocol';
import type { RequestSecrets } from './request-secrets.ts';

/** The parts of a refused request's record that the grant's handler did not write. */
export interface RefusedRequest {
  /** The OAuth error that was sent to the client. */
  readonly error: string;
  /** The reason, for the audit record. */
  readonly reason: string;
  /** The client id in a request that was refused before the handler ran. The client may not have authenticated. */
  readonly claimedClientId?: string;
}

/** Members that can contain text from the request. The others contain text of this server or of trusted parties. */
const FROM_REQUEST = new Set(['audience', 'resource', 'requestedScopes', 'grantedScopes', 'reason', 'claimedClientId']);
/** Only long base64url parts of tokens are redacted. Otherwise a client could send a name as a token to hide it in the record. */
const TOKEN_PART = /^[\w-]{40,}$/u;
/**
 * A client secret is redacted in `reason` only if it has a digit. Otherwise a client could send a word as its secret to hide
 * the words of this server.
 */
const WITH_DIGIT = /\d/u;
const MAX_PARTS = 5;
const MAX_LISTED = 50;

/**
 * Makes a record safe to store. The function removes control characters from texts, cuts long texts and lists, and removes the
 * request's `secrets`, in every spelling, from members that contain text of the request.
 */
export function cleanRecord<R extends object>(record: R, secrets?: RequestSecrets): R {
  const { tokens = [], clientSecrets = [] } = secrets ?? {};
  const parts = tokens.flatMap((token) => token.split('.', MAX_PARTS)).filter((part) => TOKEN_PART.test(part));
  // The scope parameter is split at spaces, and so is a secret in it.
  const everywhere = clientSecrets.flatMap((secret) => [secret, ...secret.split(' ')]);
  const inReason = everywhere.filter((secret) => WITH_DIGIT.test(secret));
  // In every spelling: a client can percent-encode its secret in another parameter, or send it in base64.
  const redactAll = redactor([...everywhere, ...parts]);
  const redactReason = redactor([...inReason, ...parts]);
  const members = Object.entries(record).map(([name, value]) => {
    if (!FROM_REQUEST.has(name)) return [name, clean(value, (text) => text)];
    return [name, clean(value, name === 'reason' ? redactReason : redactAll)];
  });
  return { ...record, ...Object.fromEntries(members) };
}

function clean(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return cleanText(redact(value));
  if (Array.isArray(value)) return firstOf(value, MAX_LISTED).map((entry) => clean(entry, redact));
  return value;
}

/** The first `max` entries of a list, and a last entry such as `and 3 more` if the list is longer. */
export function firstOf<T>(list: readonly T[], max: number): (T | string)[] {
  const more = list.length - max;
  return more > 0 ? [...list.slice(0, max), `and ${more} more`] : [...list];
}
