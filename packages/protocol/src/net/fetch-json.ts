import { boundedRequest } from './bounded-request.ts';
import type { FetchUrl } from './fetch-like.ts';
import { PeerFailure } from './peer-failure.ts';

const LIMITS = { timeoutMs: 3000, maxBytes: 512 * 1024 };
const HEADERS = { accept: 'application/json, application/jwk-set+json' };

/**
 * Fetches a JSON document from a peer within limits on time and size. Follows no redirect. Throws PeerFailure if the
 * response is not a JSON document, and the error of {@link boundedRequest} if there is no response.
 */
export async function fetchJson(url: string, fetch: FetchUrl): Promise<unknown> {
  const { status, text } = await boundedRequest(fetch, url, { headers: HEADERS }, LIMITS);
  if (status !== 200) throw new PeerFailure(`answered ${status}`);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new PeerFailure('the answer is not JSON');
  }
}
