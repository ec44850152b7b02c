import { identifier, protectedResourceUrls, stringField, stringList } from '@credence/protocol';
import { CredenceError } from '../errors/credence-error.ts';
import { parseChallenges } from '../net/challenge.ts';
import { type About, report, send } from '../net/gate.ts';
import { peerUrl } from '../net/url-policy.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { firstDocument, type MetadataDocument } from './metadata-document.ts';

/** The values that Credence uses from the metadata of an MCP server (RFC 9728). */
export interface ProtectedResource {
  /** The resource identifier, exactly as in the metadata. */
  readonly resource: string;
  readonly authorizationServers: readonly string[];
  readonly scopesSupported: readonly string[] | undefined;
  /** False if the server publishes no metadata. `resource` is then the URL of the server. */
  readonly published: boolean;
}

/**
 * Fetches the metadata of an MCP server: from the well-known path with the path of the server appended, from the root well-known
 * path, or from the URL in the challenge of a 401. Its `resource` must be the server's URL or a parent path on the same origin.
 * Throws `resource_mismatch` and the errors of `send`, with the leg `discover`.
 */
export async function discoverResource(
  runtime: Runtime,
  server: { name: string; url: URL },
  signal: AbortSignal,
): Promise<ProtectedResource> {
  const about: About = {
    leg: 'discover',
    operation: 'protected-resource-metadata',
    contact: 'server-owner',
    server: server.name,
    option: `servers.${server.name}.url`,
  };
  const accept = (document: MetadataDocument) => resourceFrom(document, server, about);
  const found =
    (await firstDocument(runtime, protectedResourceUrls(server.url), about, signal, accept)) ??
    (await fromChallenge(runtime, server, about, signal, accept));
  if (found) return found;
  runtime.emit({
    type: 'warning',
    leg: 'discover',
    server: server.name,
    message: `Server "${server.name}" publishes no metadata (RFC 9728), so its URL is used as its resource identifier.`,
    remedy: `Check servers.${server.name}.url; if it is right, set servers.${server.name}.resource to the identifier that is registered at the IdP.`,
  });
  return {
    resource: withoutFragment(server.url),
    authorizationServers: [],
    scopesSupported: undefined,
    published: false,
  };
}

/** Sends a request without a token. The challenge of the 401 may contain the URL of the metadata (RFC 9728 section 5.1). */
async function fromChallenge(
  runtime: Runtime,
  server: { name: string; url: URL },
  about: About,
  signal: AbortSignal,
  accept: (document: MetadataDocument) => ProtectedResource,
): Promise<ProtectedResource | undefined> {
  const answer = await send(
    runtime,
    server.url.href,
    {
      method: 'POST',
      headers: { accept: 'application/json, text/event-stream', 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'ping' }),
      signal,
    },
    about,
  );
  report(runtime, about, { ...answer });
  const challenges = parseChallenges(answer.headers);
  const pointer = challenges.find(({ resourceMetadata }) => resourceMetadata !== undefined)?.resourceMetadata;
  if (answer.status !== 401 || pointer === undefined) return undefined;
  const what = 'resource_metadata in the challenge of the server';
  const url = await peerUrl(pointer, { ...about, what }, runtime, server.url);
  return firstDocument(runtime, [url.href], { ...about, configuredUrl: server.url }, signal, accept);
}

function resourceFrom(
  { url, json }: MetadataDocument,
  server: { name: string; url: URL },
  about: About,
): ProtectedResource {
  const resource = stringField(json, 'resource');
  if (resource === undefined || !covers(resource, server.url)) {
    throw new CredenceError({
      code: 'resource_mismatch',
      leg: 'discover',
      message: `The metadata at ${url} names another resource than ${server.url.href}: ${identifier(resource)}.`,
      remedy: `Check servers.${server.name}.url; if it is right, the owner of the server must correct "resource" in the metadata.`,
      contact: about.contact,
      server: server.name,
    });
  }
  return {
    resource,
    authorizationServers: stringList(json['authorization_servers']) ?? [],
    scopesSupported: stringList(json['scopes_supported']),
    published: true,
  };
}

/**
 * Whether `resource` is the URL (RFC 9728 section 3.3) or a parent path of it. MCP servers publish at the root well-known path one
 * identifier for several endpoints below it.
 */
function covers(resource: string, url: URL): boolean {
  // The URL parser removes line breaks and spaces, but the identifier is used and printed as it is.
  if (!/^[\x21-\x7e]+$/u.test(resource) || !URL.canParse(resource)) return false;
  const named = new URL(resource);
  if (named.origin !== url.origin || named.hash !== '' || named.username !== '' || named.password !== '') return false;
  if (named.href === withoutFragment(url)) return true;
  const above = named.pathname.endsWith('/') ? named.pathname : `${named.pathname}/`;
  return named.search === '' && `${url.pathname}/`.startsWith(above);
}

function withoutFragment(url: URL): string {
  return url.href.replace(/#.*$/su, '');
}
