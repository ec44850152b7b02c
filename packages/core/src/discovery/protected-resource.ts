import {
  isNormalResource,
  isPlainIdentifier,
  normalResource,
  parsedUrl,
  protectedResourceUrls,
  sameResource,
  stringField,
  stringList,
} from '@credence/protocol';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import { parseChallenges } from '../net/challenge.ts';
import { type About, type Answer, report, send, withoutQuery } from '../net/gate.ts';
import { namedUrl } from '../net/named-url.ts';
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
  /** Why there is no metadata, as a sentence. Undefined if there is some. */
  readonly whyMissing?: string | undefined;
  /** The status with which the URL of the server answered a request without a token, if its metadata was searched in the challenge. */
  readonly ownStatus?: number | undefined;
  /** Whether the metadata is missing because the document that the server names answered 5xx. */
  readonly isProvisional?: boolean | undefined;
}

interface Server {
  readonly name: string;
  readonly url: URL;
  /** The configured issuer, or `discover`. */
  readonly issuer?: string | undefined;
}

/**
 * Fetches the metadata of an MCP server: from the well-known path with the path of the server appended, from the root well-known
 * path, or from the URL in the challenge of a 401. Its `resource` must be the server's URL. A document at a well-known path may also
 * name a parent path on the same origin. A challenge that leads to another origin or another resource is ignored with a warning.
 * Throws `resource_mismatch` and the errors of `send`, with the leg `discover`.
 */
export async function discoverResource(
  runtime: Runtime,
  server: Server,
  signal: AbortSignal,
): Promise<ProtectedResource> {
  const about: About = {
    leg: 'discover',
    operation: 'protected-resource-metadata',
    contact: 'server-owner',
    server: server.name,
    option: `servers.${server.name}.url`,
    pin: pinsOf(server),
  };
  const { value, failure } = await wellKnown(runtime, server, about, signal);
  if (value !== undefined) return value;
  if (!mayBeElsewhere(failure)) throw failure;
  let challenged: Challenged;
  try {
    challenged = await fromChallenge(runtime, server, about, signal);
  } catch (error) {
    // The failure of the well-known paths comes first, if it is not only that there is no document.
    throw failure.code === 'metadata_not_found' || signal.aborted ? error : failure;
  }
  if (challenged.value !== undefined) return challenged.value;
  if (failure.code === 'redirect_refused' || failure.code === 'peer_unavailable') throw failure;
  const { status, isUnavailable } = challenged;
  return { ...unpublished(runtime, server, failure, status), isProvisional: isUnavailable === true };
}

/** Whether the server may name its metadata in a challenge: no well-known path has a document, although one may have failed. */
function mayBeElsewhere({ code, status }: CredenceError): boolean {
  if (code === 'invalid_response') return status === 200;
  return code === 'metadata_not_found' || code === 'redirect_refused' || code === 'peer_unavailable';
}

async function wellKnown(runtime: Runtime, server: Server, about: About, signal: AbortSignal) {
  const documents = await firstDocument(runtime, protectedResourceUrls(server.url), about, signal, {
    accept: (document) => resourceFrom(document, server, about, covers),
    isCertain: ({ resource }) => isOwn(resource, server.url),
  });
  return documents.failure === undefined
    ? { value: documents.value }
    : { value: undefined, failure: documents.failure };
}

/** The values that are used without metadata. Says in a warning why there is none. */
function unpublished(runtime: Runtime, server: Server, failure: CredenceError, status: number): ProtectedResource {
  const { name, url } = server;
  const isPlainlyMissing = failure.code === 'metadata_not_found' && failure.status !== 200;
  const whyMissing = isPlainlyMissing
    ? `Server "${name}" publishes no metadata (RFC 9728).`
    : `The metadata of server "${name}" cannot be read: ${failure.message}`;
  const gone = status === 404 || status === 410 ? ` Its own URL answered ${status}.` : '';
  runtime.emit({
    type: 'warning',
    leg: 'discover',
    server: name,
    message: `${whyMissing}${gone} Its URL is used as its resource identifier.`,
    remedy: `Check servers.${name}.url; if it is right, set servers.${name}.resource to the identifier that is registered at the IdP.`,
  });
  return {
    resource: withoutFragment(url),
    authorizationServers: [],
    scopesSupported: undefined,
    published: false,
    whyMissing: whyMissing + gone,
    ownStatus: status,
  };
}

interface Challenged {
  readonly value?: ProtectedResource | undefined;
  /** The status of the response to a request without a token. */
  readonly status: number;
  /** Whether a document that a challenge names answered 5xx. */
  readonly isUnavailable?: boolean;
}

/**
 * Sends a request without a token. The challenge of the 401 may contain the URL of the metadata (RFC 9728 section 5.1). Whoever can
 * write the challenge of one path must not decide about other origins or resources, so the document must be on the server's own
 * origin, and must name the URL of the server (section 3.3).
 */
async function fromChallenge(runtime: Runtime, server: Server, about: About, signal: AbortSignal): Promise<Challenged> {
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
  const { status } = answer;
  report(runtime, about, {
    ...answer,
    failure: status === 401 || status < 400 ? undefined : noChallenge(about, status),
  });
  let isUnavailable = false;
  for (const pointer of pointersOf(answer)) {
    try {
      const value = await pointedDocument(runtime, server, about, signal, pointer);
      return { status, value };
    } catch (error) {
      if (!isCredenceError(error) || signal.aborted) throw error;
      isUnavailable ||= error.code === 'peer_unavailable';
      if (error.retryable && error.code !== 'peer_unavailable') throw error;
      ignored(runtime, server, error);
    }
  }
  return { status, isUnavailable };
}

/** Why the response to a request without a token is no answer. */
function noChallenge({ server, contact }: About, status: number): CredenceError {
  return new CredenceError({
    code: 'metadata_not_found',
    leg: 'discover',
    message: `Server "${server}" answered ${status} to a request without a token, without a challenge.`,
    remedy: `Check servers.${server}.url; if it is right, ask the owner of server "${server}".`,
    contact,
    server,
    status,
  });
}

/** The URLs of metadata in the challenges of a 401, each once. */
function pointersOf({ status, headers }: Answer): readonly string[] {
  if (status !== 401) return [];
  const pointers = parseChallenges(headers).flatMap(({ resourceMetadata }) => resourceMetadata ?? []);
  return [...new Set(pointers)].slice(0, 3);
}

async function pointedDocument(
  runtime: Runtime,
  server: Server,
  about: About,
  signal: AbortSignal,
  pointer: string,
): Promise<ProtectedResource> {
  const what = 'resource_metadata in the challenge of the server';
  const url = await peerUrl(pointer, { ...about, what }, runtime, server.url);
  if (url.origin !== server.url.origin) {
    throw new CredenceError({
      code: 'resource_mismatch',
      leg: 'discover',
      message: `${what} is on another origin, ${namedUrl(url.origin)}, than ${server.url.origin}.`,
      remedy: wrongMetadata(server),
      contact: about.contact,
      server: server.name,
    });
  }
  const documents = await firstDocument(runtime, [url.href], { ...about, configuredUrl: server.url }, signal, {
    accept: (document) => resourceFrom(document, server, about, isOwn),
  });
  if (documents.failure !== undefined) throw documents.failure;
  return documents.value;
}

function ignored(runtime: Runtime, server: Server, { message, remedy }: CredenceError): void {
  runtime.emit({
    type: 'warning',
    leg: 'discover',
    server: server.name,
    message: `The challenge of server "${server.name}" is ignored: ${message}`,
    remedy,
  });
}

function resourceFrom(
  { url, json }: MetadataDocument,
  server: Server,
  about: About,
  isAccepted: (resource: string, url: URL) => boolean,
): ProtectedResource {
  const resource = stringField(json, 'resource');
  const base = { leg: 'discover', contact: about.contact, server: server.name } as const;
  const where = withoutQuery(url);
  if (resource === undefined || !isAccepted(resource, server.url)) {
    throw new CredenceError({
      ...base,
      code: 'resource_mismatch',
      message: `The metadata at ${where} names another resource than ${withoutQuery(server.url.href)}: ${namedUrl(resource)}.`,
      remedy: wrongMetadata(server),
    });
  }
  if (!isNormalResource(resource)) {
    throw new CredenceError({
      ...base,
      code: 'resource_mismatch',
      message: `The metadata at ${where} spells its resource ${namedUrl(resource)} instead of ${namedUrl(normalResource(resource))}.`,
      remedy: `Ask the owner of server "${server.name}" to publish the resource in the second spelling, because other programs compare resources as strings; until then set ${pinsAsRegistered(server)}.`,
    });
  }
  const listed = stringList(json['authorization_servers']) ?? [];
  const authorizationServers = listed.filter((issuer) => isPlainIdentifier(issuer) && parsedUrl(issuer) !== undefined);
  if (listed.length > 0 && authorizationServers.length === 0) {
    throw new CredenceError({
      ...base,
      code: 'invalid_response',
      message: `The metadata at ${where} names an authorization server that is not the URL of an issuer: ${namedUrl(listed)}.`,
      remedy: `Ask the owner of server "${server.name}" to correct "authorization_servers"; until then set ${pinsOf(server)}.`,
    });
  }
  return { resource, authorizationServers, scopesSupported: stringList(json['scopes_supported']), published: true };
}

/** The remedy never names the resource in the metadata: a server must not get a token for another one by a wrong metadata document. */
function wrongMetadata(server: Server): string {
  return `Check servers.${server.name}.url; if it is right, the owner of the server must correct its metadata, or set ${pinsAsRegistered(server)}.`;
}

function pinsAsRegistered(server: Server): string {
  const value = server.issuer === 'discover' ? 'the values that are' : 'the value that is';
  return `${pinsOf(server)} to ${value} registered at the IdP for this server`;
}

/** The options that make the metadata unnecessary. */
function pinsOf({ name, issuer }: Server): string {
  const pins = issuer === 'discover' ? ['issuer', 'resource'] : ['resource'];
  return pins.map((pin) => `servers.${name}.${pin}`).join(' and ');
}

/** Whether `resource` is the URL of the server (RFC 9728 section 3.3). */
function isOwn(resource: string, url: URL): boolean {
  return sameResource(resource, withoutFragment(url));
}

/**
 * Whether `resource` is the URL, or a parent path of it. MCP servers publish at the root well-known path one identifier for several
 * endpoints below it.
 */
function covers(resource: string, url: URL): boolean {
  if (isOwn(resource, url)) return true;
  const [normal, own] = [normalResource(resource), normalResource(withoutFragment(url))];
  if (normal === undefined || own === undefined) return false;
  const [named, { pathname }] = [new URL(normal), new URL(own)];
  if (named.origin !== url.origin || named.username !== '' || named.password !== '') return false;
  const above = named.pathname.endsWith('/') ? named.pathname : `${named.pathname}/`;
  return !normal.includes('?') && `${pathname}/`.startsWith(above);
}

function withoutFragment(url: URL): string {
  return url.href.replace(/#.*$/su, '');
}
