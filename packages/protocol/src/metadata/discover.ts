import { isError } from '../text/is-error.ts';
import { z } from 'zod';
import { fetchJson } from '../net/fetch-json.ts';
import type { FetchLike } from '../net/fetch-like.ts';
import { decideNamedUrl } from '../net/named-url.ts';
import { PeerFailure } from '../net/peer-failure.ts';
import { judgeConfiguredUrl } from '../net/url-policy.ts';
import { quoted } from '../text/quoted.ts';
import { authorizationServerUrls } from './well-known.ts';

const metadataSchema = z.looseObject({ issuer: z.string() });

/**
 * Fetches an issuer's metadata and returns the URL in its `member`. The function requests the well-known URLs of RFC 8414 (path
 * inserted), then of OpenID Connect Discovery (path inserted, then appended). `issuer` comes from the configuration. The
 * returned URL comes from a peer, so request it with `fetchNamedBy`.
 *
 * Throws PeerFailure if there is no metadata, if it is of another issuer, if it has no such member, or if the URL may not
 * be requested. Throws the error of `boundedRequest` if there is no response.
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
  let isFromDocument = false;
  for (const url of authorizationServerUrls(configured)) {
    try {
      const named = memberOf(await fetchJson(url, fetchFunction), issuer, member);
      const verdict = await decideNamedUrl(named, configured, fetchFunction);
      if (verdict.fault === undefined) return named;
      throw new PeerFailure(`the ${member} may not be requested, ${quoted(named)}`);
    } catch (error) {
      // All these URLs have one origin: after one time-out the others would also time out.
      if (isError(error) && error.name === 'TimeoutError') throw error;
      // An error in a document is reported rather than the missing document at a later URL.
      if (!isFromDocument) failure = error;
      isFromDocument ||= error instanceof PeerFailure && !error.message.startsWith('answered ');
    }
  }
  throw failure;
}

function memberOf(document: unknown, issuer: string, member: string): string {
  const metadata = metadataSchema.safeParse(document);
  if (!metadata.success) throw new PeerFailure('the document names no issuer');
  // RFC 8414 section 3.3: compared as strings. Otherwise the metadata of one tenant could be used for another.
  if (metadata.data.issuer !== issuer) {
    throw new PeerFailure(`the document is of another issuer, ${quoted(metadata.data.issuer)}`);
  }
  const found = metadata.data[member];
  if (typeof found !== 'string') throw new PeerFailure(`the document has no ${member}`);
  return found;
}
