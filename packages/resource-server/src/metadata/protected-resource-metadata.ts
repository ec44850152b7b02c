import type { IncomingMessage, ServerResponse } from 'node:http';
import { checkList, parsedUrl, PUBLIC_DOCUMENT_CORS } from '@credence/protocol';

/** The metadata of an MCP server as a protected resource. Omit a list instead of leaving it empty (RFC 9728 section 3.2). */
export interface ProtectedResourceOptions {
  /** The resource identifier: the URL at which clients reach the MCP server. */
  readonly resource: string;
  /** Issuer identifiers of the authorization servers whose tokens are accepted. */
  readonly authorizationServers: readonly string[];
  /** Scopes that a client may request. Default: the document does not list scopes. */
  readonly scopesSupported?: readonly string[] | undefined;
  /** The server's name, to show to people. Default: none. */
  readonly resourceName?: string | undefined;
  /** The URL of a page for developers. Default: none. */
  readonly resourceDocumentation?: string | undefined;
  /** Whether only DPoP-bound access tokens are accepted (RFC 9728 section 2). */
  readonly dpopBoundAccessTokensRequired?: boolean | undefined;
  /** The accepted algorithms of DPoP proofs: `DPOP_ALGORITHMS`, or the list that is passed to `accessTokenGate`. */
  readonly dpopSigningAlgorithms?: readonly string[] | undefined;
}

/** A metadata document of a protected resource (RFC 9728 section 2). */
export interface ProtectedResourceDocument {
  /** The resource identifier, which clients compare with the URL they requested. */
  readonly resource: string;
  /** Issuer identifiers of the authorization servers whose tokens are accepted. */
  readonly authorization_servers: readonly string[];
  /** How an access token may be sent: always `header`. */
  readonly bearer_methods_supported: readonly string[];
  /** Scopes that a client may request. */
  readonly scopes_supported?: readonly string[];
  /** The server's name, to show to people. */
  readonly resource_name?: string;
  /** The URL of a page for developers. */
  readonly resource_documentation?: string;
  /** Whether only DPoP-bound tokens are accepted. */
  readonly dpop_bound_access_tokens_required?: boolean;
  /** The accepted algorithms of DPoP proofs. */
  readonly dpop_signing_alg_values_supported?: readonly string[];
}

/** The metadata document, its URL, and a handler that serves it. */
export interface ProtectedResourceMetadata {
  /** The document (RFC 9728 section 2). */
  readonly document: ProtectedResourceDocument;
  /** The URL of the document, for `resource_metadata` in challenges. */
  readonly url: string;
  /** The path of `url`: the well-known name inserted before the resource's own path (RFC 9728 section 3.1). */
  readonly path: string;
  /** Responds to GET, HEAD and CORS preflight requests for `path`, and with 404 or 405 to any other request. */
  readonly handler: (request: Request) => Response;
  /** The same as `handler` for Express: passes a request for another path to the next handler. */
  readonly express: (
    request: IncomingMessage & { originalUrl?: string },
    response: ServerResponse,
    next: () => void,
  ) => void;
}

const WHERE = 'protectedResourceMetadata';
const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** Creates the metadata of an MCP server as a protected resource. Throws a TypeError for invalid options. */
export function protectedResourceMetadata(options: ProtectedResourceOptions): ProtectedResourceMetadata {
  const resource = parsedUrl(options.resource);
  if (resource === undefined || resource.hash !== '' || options.resource.includes('#')) {
    throw new TypeError(`${WHERE}: resource is not an absolute URL without a fragment`);
  }
  const { scopesSupported, resourceName, resourceDocumentation, dpopBoundAccessTokensRequired } = options;
  const { authorizationServers, dpopSigningAlgorithms } = options;
  checkList(WHERE, 'authorizationServers', authorizationServers ?? null);
  checkList(WHERE, 'scopesSupported', scopesSupported);
  checkList(WHERE, 'dpopSigningAlgorithms', dpopSigningAlgorithms);
  const document: ProtectedResourceDocument = {
    resource: options.resource,
    authorization_servers: [...authorizationServers],
    bearer_methods_supported: ['header'],
    ...(scopesSupported !== undefined && { scopes_supported: [...scopesSupported] }),
    ...(resourceName !== undefined && { resource_name: resourceName }),
    ...(resourceDocumentation !== undefined && { resource_documentation: resourceDocumentation }),
    ...(dpopBoundAccessTokensRequired !== undefined && {
      dpop_bound_access_tokens_required: dpopBoundAccessTokensRequired,
    }),
    ...(dpopSigningAlgorithms !== undefined && { dpop_signing_alg_values_supported: [...dpopSigningAlgorithms] }),
  };
  const path = `${WELL_KNOWN}${resource.pathname === '/' ? '' : resource.pathname}`;
  const url = `${resource.origin}${path}${resource.search}`;

  const answer = (method: string): Response => {
    if (method === 'OPTIONS') return new Response(null, { status: 204, headers: PUBLIC_DOCUMENT_CORS });
    if (method !== 'GET' && method !== 'HEAD') {
      return new Response(null, { status: 405, headers: { ...PUBLIC_DOCUMENT_CORS, allow: 'GET, HEAD, OPTIONS' } });
    }
    const headers = {
      ...PUBLIC_DOCUMENT_CORS,
      'content-type': 'application/json',
      'cache-control': 'public, max-age=3600',
    };
    return new Response(method === 'HEAD' ? null : JSON.stringify(document), { headers });
  };
  const handler = ({ url: requested, method }: Request): Response =>
    new URL(requested).pathname === path ? answer(method) : new Response(null, { status: 404 });
  const expressHandler: ProtectedResourceMetadata['express'] = (request, response, next) => {
    const { method = 'GET', originalUrl = request.url ?? '/' } = request;
    if (originalUrl.split('?', 1)[0] !== path) {
      next();
      return;
    }
    const { status, headers } = answer(method);
    response.writeHead(status, Object.fromEntries(headers));
    response.end(status === 200 && method === 'GET' ? JSON.stringify(document) : undefined);
  };
  return { document, url, path, handler, express: expressHandler };
}
