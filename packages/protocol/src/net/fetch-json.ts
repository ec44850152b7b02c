import { boundedText } from '../text/bounded-text.ts';
import type { FetchLike } from './fetch-like.ts';
import { PeerFailure } from './peer-failure.ts';
import { within } from '../time/within.ts';
import { parsedUrl } from '../text/parsed-url.ts';

const MAX_BYTES = 512 * 1024;
const TIMEOUT_MS = 3000;

/**
 * Fetches a JSON document from a peer: no redirect followed, bounded in size and time, only from a URL that may be
 * asked. Throws PeerFailure where the answer is none, and what `fetch` throws where there is no answer.
 */
export function fetchJson(url: string, fetchFunction: FetchLike): Promise<unknown> {
  return within(TIMEOUT_MS, answered(url, fetchFunction));
}

async function answered(url: string, fetchFunction: FetchLike): Promise<unknown> {
  const response = await fetchFunction(url, {
    headers: { accept: 'application/json, application/jwk-set+json' },
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new PeerFailure(`answered ${response.status}`);
  }
  const text = await answerText(response);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new PeerFailure('the answer is not JSON');
  }
}

/** The body of an answer. Throws PeerFailure where it is larger than any honest one. */
export function answerText({ body }: Response): Promise<string> {
  return boundedText(body, MAX_BYTES, new PeerFailure('the answer is too large'));
}

/**
 * Whether a URL named by `issuer`'s metadata may be fetched: https, or plain http where the issuer itself
 * is on loopback; loopback and private addresses only where the issuer is on loopback too.
 */
export function mayFetch(url: string, issuer: string): boolean {
  const target = parsedUrl(url);
  const home = parsedUrl(issuer);
  if (target === undefined || home === undefined || target.username !== '' || target.password !== '') return false;
  const local = isLoopback(home.hostname);
  if (isLoopback(target.hostname)) return local && (target.protocol === 'http:' || target.protocol === 'https:');
  if (target.protocol !== 'https:') return false;
  return target.hostname === home.hostname || !isPrivateAddress(target.hostname);
}

/** Whether a URL that this program's operator wrote down may be fetched: https, or plain http on loopback. */
export function mayFetchConfigured(url: string): boolean {
  const target = parsedUrl(url);
  if (target === undefined || target.username !== '' || target.password !== '') return false;
  return target.protocol === 'https:' || (target.protocol === 'http:' && isLoopback(target.hostname));
}

/** Throws a TypeError that begins with `where` for a URL that may not be fetched though its operator wrote it down. */
export function checkConfiguredUrl(where: string, url: string): void {
  if (!mayFetchConfigured(url)) throw new TypeError(`${where}: ${url} is neither https nor on loopback`);
}

export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(?:\.\d{1,3}){3}$/u.test(hostname)
  );
}

/** Address literals only; what a name resolves to is the network's business. */
function isPrivateAddress(hostname: string): boolean {
  return (
    /^(?:0|10|127)\./u.test(hostname) ||
    hostname.startsWith('192.168.') ||
    hostname.startsWith('169.254.') ||
    /^172\.(?:1[6-9]|2\d|3[01])\./u.test(hostname) ||
    /^100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./u.test(hostname) ||
    /^\[(?:::|f[cd]|fe[89ab])/iu.test(hostname)
  );
}
