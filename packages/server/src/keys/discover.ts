import { z } from 'zod';
import { type FetchLike, fetchJson, mayFetch } from './fetch-json.ts';

const metadataSchema = z.looseObject({ issuer: z.string() });

/**
 * The URL that an issuer's metadata has under `member`: RFC 8414 (path inserted), then OpenID Connect Discovery
 * (inserted, then appended). Throws where there is no such metadata, it is of another issuer, or the URL is none that
 * may be asked.
 */
export async function discoverUrl(
  issuer: string,
  member: 'jwks_uri' | 'introspection_endpoint',
  fetchFunction: FetchLike,
): Promise<string> {
  let failure: unknown = new Error('the issuer is not a URL');
  for (const url of metadataUrls(issuer)) {
    if (!mayFetch(url, issuer)) throw new Error('the issuer is neither https nor on loopback');
    try {
      const metadata = metadataSchema.parse(await fetchJson(url, fetchFunction));
      // RFC 8414 section 3.3: compared as strings, or one tenant's document could speak for another.
      if (metadata.issuer !== issuer) throw new Error('the metadata is of another issuer');
      const found = metadata[member];
      if (typeof found !== 'string' || !mayFetch(found, issuer)) throw new Error(`the ${member} may not be fetched`);
      return found;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function metadataUrls(issuer: string): string[] {
  const url = URL.parse(issuer);
  if (url === null) return [];
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
