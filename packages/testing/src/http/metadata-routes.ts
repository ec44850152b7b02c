import { authorizationServerUrls } from '@credence/protocol';
import { jsonResponse, oauthError } from './responses.ts';
import type { Facts, Route, RouteEntry } from './route.ts';

/** A document that a GET returns. */
export function documentRoute(document: () => Readonly<Record<string, unknown>>, about: Partial<Facts> = {}): Route {
  return {
    facts: () => ({ leg: 'discover', server: undefined, principal: undefined, parameters: {}, ...about }),
    async handle({ method }) {
      return method === 'GET'
        ? jsonResponse(document())
        : new Response(null, { status: 405, headers: { allow: 'GET' } });
    },
    refuse: (error, { status = 404, ...details }) => oauthError(error, { ...details, status }),
  };
}

/** The metadata of an issuer, at each of its well-known URLs (RFC 8414, OpenID Connect Discovery). */
export function issuerMetadataRoutes(
  issuer: string,
  metadata: Readonly<Record<string, unknown>>,
  about: Partial<Facts> = {},
): readonly RouteEntry[] {
  return authorizationServerUrls(new URL(issuer)).map((url) => [url, documentRoute(() => metadata, about)]);
}
