import { z } from 'zod';
import { shown } from '../text/shown.ts';
import { parsedUrl } from '../text/parsed-url.ts';
import { PeerFailure } from '../net/peer-failure.ts';
import { fetchJson, mayFetch } from '../net/fetch-json.ts';
import type { FetchLike } from '../net/fetch-like.ts';

const metadataSchema = z.looseObject({ issuer: z.string() });

/**
 * The URL that an issuer's metadata has under `member`: RFC 8414 (path inserted), then OpenID Connect Discovery
 * (inserted, then appended). Throws PeerFailure where there is no such metadata, it is of another issuer, or the URL is
 * none that may be asked, and what `fetch` throws where there is no answer.
 */
export async function discoverUrl(
  issuer: string,
  member: 'jwks_uri' | 'introspection_endpoint',
  fetchFunction: FetchLike,
): Promise<string> {
  let failure: unknown = new PeerFailure('the issuer is not a URL');
  let isTelling = false;
  for (const url of metadataUrls(issuer)) {
    if (!mayFetch(url, issuer)) throw new PeerFailure('the issuer is neither https nor on loopback');
    try {
      return urlIn(await fetchJson(url, fetchFunction), issuer, member);
    } catch (error) {
      // Of the same origin, the others would be waited for in vain too.
      if (error instanceof Error && error.name === 'TimeoutError') throw error;
      // What is wrong with a document says more than that there is none at the next place.
      if (!isTelling) failure = error;
      isTelling ||= error instanceof PeerFailure && !error.message.startsWith('answered ');
    }
  }
  throw failure;
}

function urlIn(document: unknown, issuer: string, member: string): string {
  const metadata = metadataSchema.safeParse(document);
  if (!metadata.success) throw new PeerFailure('the document names no issuer');
  // RFC 8414 section 3.3: compared as strings, or one tenant's document could speak for another.
  if (metadata.data.issuer !== issuer) {
    throw new PeerFailure(`the document is of another issuer, ${shown(metadata.data.issuer)}`);
  }
  const found = metadata.data[member];
  if (typeof found !== 'string') throw new PeerFailure(`the document has no ${member}`);
  if (!mayFetch(found, issuer)) throw new PeerFailure(`the ${member} is none that may be asked, ${shown(found)}`);
  return found;
}

function metadataUrls(issuer: string): string[] {
  const url = parsedUrl(issuer);
  if (url === undefined) return [];
  const path = url.pathname.replace(/\/$/u, '');
  const inserted = (name: string) => `${url.origin}/.well-known/${name}${path}`;
  return [
    ...new Set([
      inserted('oauth-authorization-server'),
      inserted('openid-configuration'),
      `${url.origin}${path}/.well-known/openid-configuration`,
    ]),
  ];
}
