import { z } from 'zod';
import { fetchJson } from '../net/fetch-json.ts';
import type { FetchLike } from '../net/fetch-like.ts';
import { decideNamedUrl } from '../net/named-url.ts';
import { PeerFailure } from '../net/peer-failure.ts';
import { judgeConfiguredUrl } from '../net/url-policy.ts';
import { shown } from '../text/shown.ts';
import { authorizationServerUrls } from './well-known.ts';

const metadataSchema = z.looseObject({ issuer: z.string() });

/**
 * The URL that an issuer's metadata has under `member`: RFC 8414 (path inserted), then OpenID Connect Discovery
 * (inserted, then appended). `issuer` is configured; a request to the URL that is returned goes through `fetchNamedBy`.
 * Throws PeerFailure where there is no such metadata, it is of another issuer, or its URL may not be requested, and what
 * `boundedRequest` rejects with where there is no answer.
 */
export async function discoverUrl(
  issuer: string,
  member: 'jwks_uri' | 'introspection_endpoint',
  fetchFunction: FetchLike,
): Promise<string> {
  const own = judgeConfiguredUrl(issuer);
  if (own.fault !== undefined) throw new PeerFailure('the issuer is neither https nor on loopback');
  const { url: configured } = own;
  let failure: unknown;
  let isTelling = false;
  for (const url of authorizationServerUrls(configured)) {
    try {
      const named = memberOf(await fetchJson(url, fetchFunction), issuer, member);
      const verdict = await decideNamedUrl(named, configured, fetchFunction);
      if (verdict.fault === undefined) return named;
      throw new PeerFailure(`the ${member} may not be requested, ${shown(named)}`);
    } catch (error) {
      // all these URLs have one origin: after a time-out the others would take as long
      if (error instanceof Error && error.name === 'TimeoutError') throw error;
      // what is wrong with a document says more than that there is none at the next URL
      if (!isTelling) failure = error;
      isTelling ||= error instanceof PeerFailure && !error.message.startsWith('answered ');
    }
  }
  throw failure;
}

function memberOf(document: unknown, issuer: string, member: string): string {
  const metadata = metadataSchema.safeParse(document);
  if (!metadata.success) throw new PeerFailure('the document names no issuer');
  // RFC 8414 section 3.3: compared as strings, or one tenant's document could speak for another
  if (metadata.data.issuer !== issuer) {
    throw new PeerFailure(`the document is of another issuer, ${shown(metadata.data.issuer)}`);
  }
  const found = metadata.data[member];
  if (typeof found !== 'string') throw new PeerFailure(`the document has no ${member}`);
  return found;
}
