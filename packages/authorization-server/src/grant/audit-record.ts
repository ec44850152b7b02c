import { cleanText } from '@credence/protocol';

/** What is known of a refused request besides what the handler noted. */
export interface RefusedRequest {
  /** The OAuth error that the client was answered. */
  readonly error: string;
  /** Why, for the audit record. */
  readonly reason: string;
  /** The client the request names, where it did not get as far as the handler: it may not have authenticated. */
  readonly claimedClientId?: string;
}

/** Members that may hold what a request said. The others are this server's own words, or of parties it trusts. */
const SENT = new Set(['audience', 'resource', 'requestedScopes', 'grantedScopes', 'reason']);
/** Anything shorter, or with other characters, could be the name of something, and a client would choose what is hidden. */
const TOKEN_PART = /^[\w-]{40,}$/u;
const MAX_PARTS = 5;
const MAX_LISTED = 50;

/**
 * A record as it may be kept: its texts without control characters and cut, its lists cut, and in what the request said
 * nothing of the tokens that came with it, `secrets`, in whichever parameter they were sent.
 */
export function cleanRecord<R extends object>(record: R, secrets: readonly string[] = []): R {
  const parts = secrets.flatMap((secret) => secret.split('.', MAX_PARTS)).filter((part) => TOKEN_PART.test(part));
  const members = Object.entries(record).map(([name, value]) => [name, clean(value, SENT.has(name) ? parts : [])]);
  return { ...record, ...Object.fromEntries(members) };
}

function clean(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return cleanText(value, { secrets });
  if (Array.isArray(value)) return firstOf(value, MAX_LISTED).map((entry) => clean(entry, secrets));
  return value;
}

/** A list for people: as many of its entries, and how many more there are. */
export function firstOf<T>(list: readonly T[], max: number): (T | string)[] {
  const more = list.length - max;
  return more > 0 ? [...list.slice(0, max), `and ${more} more`] : [...list];
}
