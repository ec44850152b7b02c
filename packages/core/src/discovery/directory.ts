import type { CachedValue, RefreshingCache } from '../cache/refreshing-cache.ts';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import { namedUrl } from '../net/named-url.ts';
import type { ServerSettings } from '../settings/settings.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { copyOf, originalOf } from '../errors/same-failure.ts';
import { discoverIssuer, type IssuerMetadata, mismatchRemedyFor } from './authorization-server.ts';
import { CredentialIssuers } from './credential-issuers.ts';
import { type IssuerOfServer, remedyForUnlistedIssuer } from './issuer-remedies.ts';
import { discoverResource, type ProtectedResource } from './protected-resource.ts';
import { type MetadataCaches, ownMetadataCaches, sharedMetadataCaches } from './shared-metadata.ts';
import type { TokenEndpoint } from './token-endpoint.ts';

const METADATA_REFRESH_MS = 3_600_000;
const METADATA_LIFETIME_MS = 24 * 3_600_000;
/** The document that the server names answered 5xx, so it is requested again soon. */
const PROVISIONAL_MS = 60_000;

/** The first issuers that a principal has seen. They stay when the cached metadata is dropped. */
interface FirstIssuers {
  /** For servers with `issuer: 'discover'`: the first issuer by server name. Another issuer later is refused. */
  readonly byServer: Map<string, string>;
  readonly byCredential: CredentialIssuers;
}

/**
 * The metadata of MCP servers and issuers, for one principal. Metadata is cached for a day, and refreshed in the background after
 * an hour. While the peer cannot be reached, the old metadata stays in use. All open principals of the process with the same fetch and clock share the cache.
 */
export class Directory {
  readonly #runtime: Runtime;
  readonly #caches: MetadataCaches;
  readonly #release: () => void;
  readonly #first: FirstIssuers;
  /** Part of each cache key: whether a URL in the metadata is accepted depends on these options. */
  readonly #trust: string;
  /** Called with the key of a document that was fetched. */
  readonly #ended: ((key: string) => void) | undefined;
  /** By error of one server, its copies for other servers. A copy stays the same object as long as the error is repeated. */
  readonly #copies = new WeakMap<CredenceError, Map<string, CredenceError>>();
  /** The failed requests after which metadata was dropped. A repeated failure does not drop the new metadata. */
  readonly #forgotten = new WeakSet<CredenceError>();

  /** `own`: caches and first issuers for this directory. Default: the caches that the principals of the process share. */
  constructor(
    runtime: Runtime,
    own?: {
      readonly caches: MetadataCaches;
      readonly first: FirstIssuers;
      readonly ended: (key: string) => void;
    },
  ) {
    const { caches, release } = own ? { caches: own.caches, release: () => undefined } : sharedMetadataCaches(runtime);
    this.#runtime = runtime;
    this.#caches = caches;
    this.#release = release;
    this.#ended = own?.ended;
    this.#first = own?.first ?? { byServer: new Map(), byCredential: new CredentialIssuers() };
    const { allowHttp = false, allowPrivateAddresses = false } = runtime.network;
    this.#trust = `${allowHttp} ${allowPrivateAddresses}`;
  }

  /**
   * Returns a directory without cached metadata. The new directory has the first issuers of this one, so that a changed issuer is
   * still refused. A document that it fetches is requested again here too, also if it could not be fetched before.
   */
  withoutMetadata(runtime: Runtime): Directory {
    const ended = (key: string) => this.#caches.failed.end(key);
    return new Directory(runtime, { caches: ownMetadataCaches(runtime.clock), first: this.#first, ended });
  }

  /** Ends the use of the shared cache. Idempotent. */
  close(): void {
    this.#release();
  }

  /** The resource identifier of a server and the issuer of its authorization server. Throws if a pinned value differs. */
  async target(server: ServerSettings, signal: AbortSignal): Promise<{ resource: string; issuer: string }> {
    const pinned = server.issuer === 'discover' ? undefined : server.issuer;
    if (server.resource !== undefined && pinned !== undefined) return { resource: server.resource, issuer: pinned };
    const metadata = await this.#resource(server, signal);
    const resource = server.resource ?? metadata.resource;
    if (pinned === undefined) return { resource, issuer: this.#discovered(server, metadata) };
    if (metadata.authorizationServers.length > 0 && !metadata.authorizationServers.includes(pinned)) {
      throw new CredenceError({
        code: 'issuer_mismatch',
        leg: 'discover',
        message: `Server "${server.name}" accepts tokens of ${list(metadata.authorizationServers)}, not of the configured issuer "${pinned}".`,
        remedy: remedyForUnlistedIssuer(this.#issuerOfServer(server, metadata), pinned),
        contact: 'you',
        server: server.name,
        issuer: pinned,
      });
    }
    return { resource, issuer: pinned };
  }

  /** The token endpoint of a server's authorization server. `metadata` is undefined if the token endpoint is pinned. */
  async authorizationServer(
    server: ServerSettings,
    issuer: string,
    signal: AbortSignal,
  ): Promise<TokenEndpoint & { metadata?: IssuerMetadata }> {
    if (server.tokenEndpoint !== undefined)
      return pinnedEndpoint(issuer, server.tokenEndpoint, `servers.${server.name}.tokenEndpoint`);
    const configuredUrl = urlOf(server);
    const option = `servers.${server.name}.issuer`;
    const role = 'authorization-server' as const;
    const metadata = await this.#cached(
      this.#caches.issuers,
      this.#issuerKey(role, issuer, configuredUrl),
      () => {
        // The metadata of the server is requested at the same time as that of its authorization server.
        const issuerOfServer = async () => this.#ownIssuer(server, signal);
        const options = { role, server: server.name, option, configuredUrl, signal, issuerOfServer } as const;
        return discoverIssuer(this.#runtime, issuer, options);
      },
      { server, signal },
    );
    return {
      issuer,
      url: metadata.tokenEndpoint,
      metadata,
      configuredUrl,
      pin: `servers.${server.name}.tokenEndpoint`,
    };
  }

  /** The token endpoint of the IdP, or of another issuer of subject tokens. */
  async idp(
    idp: { issuer: string; tokenEndpoint?: string | undefined },
    option: string,
    signal: AbortSignal,
  ): Promise<TokenEndpoint & { metadata?: IssuerMetadata }> {
    const { issuer } = idp;
    if (idp.tokenEndpoint !== undefined) return pinnedEndpoint(issuer, idp.tokenEndpoint, 'idp.tokenEndpoint');
    const configuredUrl = new URL(issuer);
    const metadata = await this.#cached(
      this.#caches.issuers,
      this.#issuerKey('idp', issuer, configuredUrl),
      () => discoverIssuer(this.#runtime, issuer, { role: 'idp', option, configuredUrl, signal }),
      { server: undefined, signal },
    );
    const pin = option === 'idp.issuer' ? 'idp.tokenEndpoint' : undefined;
    return { issuer, url: metadata.tokenEndpoint, metadata, configuredUrl, pin };
  }

  /**
   * Records that the credential of a server is about to be sent to `issuer`. Throws `issuer_mismatch` if the same credential object was
   * sent to another issuer before.
   */
  useCredential(server: ServerSettings, issuer: string): void {
    this.#first.byCredential.use(server, issuer);
  }

  /** Drops the metadata of a server and of the IdP, because an endpoint in it does not exist any more. */
  forget(server: ServerSettings, idp: { issuer: string } | undefined, because: CredenceError): void {
    const failure = originalOf(because);
    if (this.#forgotten.has(failure)) return;
    this.#forgotten.add(failure);
    this.#caches.resources.drop(this.#resourceKey(server));
    const issuer = server.issuer === 'discover' ? this.#first.byServer.get(server.name) : server.issuer;
    if (issuer !== undefined) this.#caches.issuers.drop(this.#issuerKey('authorization-server', issuer, urlOf(server)));
    if (idp) this.#caches.issuers.drop(this.#issuerKey('idp', idp.issuer, new URL(idp.issuer)));
  }

  #resource(server: ServerSettings, signal: AbortSignal): Promise<ProtectedResource> {
    const discover = () => discoverResource(this.#runtime, server, signal);
    return this.#cached(this.#caches.resources, this.#resourceKey(server), discover, { server, signal });
  }

  async #ownIssuer(server: ServerSettings, signal: AbortSignal): Promise<IssuerOfServer> {
    const isRead = server.resource === undefined;
    return this.#issuerOfServer(
      server,
      isRead ? await this.#resource(server, signal).catch(() => undefined) : undefined,
    );
  }

  /** What the remedies for an issuer with two spellings depend on. */
  #issuerOfServer(server: ServerSettings, metadata: ProtectedResource | undefined): IssuerOfServer {
    return {
      name: server.name,
      isDiscovered: server.issuer === 'discover',
      resource: server.resource === undefined ? metadata?.resource : undefined,
      listed: metadata?.authorizationServers ?? [],
    };
  }

  #discovered(server: ServerSettings, metadata: ProtectedResource): string {
    const [issuer, ...others] = metadata.authorizationServers;
    const base = { leg: 'discover', server: server.name } as const;
    if (issuer === undefined) {
      const { whyMissing, ownStatus } = metadata;
      // The path of the URL does not exist, so it is probably misspelt.
      const isGone = ownStatus === 404 || ownStatus === 410;
      throw new CredenceError({
        ...base,
        code: 'metadata_not_found',
        message: `${whyMissing === undefined ? '' : `${whyMissing} `}Server "${server.name}" does not name the authorization server that it trusts.`,
        remedy: `${isGone ? `Check servers.${server.name}.url: a request to it was answered with ${ownStatus}. If it is right, ask` : 'Ask'} the owner of server "${server.name}" for the issuer and set servers.${server.name}.issuer.`,
        contact: isGone ? 'you' : 'server-owner',
        status: ownStatus,
      });
    }
    if (others.length > 0) {
      throw new CredenceError({
        ...base,
        code: 'ambiguous_issuer',
        message: `Server "${server.name}" names ${metadata.authorizationServers.length} authorization servers: ${list(metadata.authorizationServers)}.`,
        remedy: `Set servers.${server.name}.issuer to the one that the credential was registered with.`,
        contact: 'you',
      });
    }
    const first = this.#first.byServer.get(server.name) ?? issuer;
    if (first !== issuer) {
      throw new CredenceError({
        ...base,
        code: 'issuer_changed',
        message: `Server "${server.name}" now names the authorization server ${list([issuer])}; before it named "${first}".`,
        remedy: `Ask the owner of server "${server.name}" whether its authorization server has changed; then set servers.${server.name}.issuer. The credential was not sent to the new one.`,
        contact: 'server-owner',
        issuer: first,
      });
    }
    this.#first.byCredential.check(server, issuer);
    this.#first.byServer.set(server.name, issuer);
    return issuer;
  }

  #resourceKey({ url }: ServerSettings): string {
    return `${this.#trust} ${url.href}`;
  }

  /** The issuer's metadata may name the addresses that `configuredUrl` may, so the key contains its origin. */
  #issuerKey(role: 'idp' | 'authorization-server', issuer: string, configuredUrl: URL): string {
    return `${this.#trust} ${role} ${configuredUrl.origin} ${issuer}`;
  }

  async #cached<T extends { readonly isProvisional?: boolean | undefined }>(
    cache: RefreshingCache<T>,
    key: string,
    discover: () => Promise<T>,
    { server, signal }: { server: ServerSettings | undefined; signal: AbortSignal },
  ): Promise<T> {
    const { failed } = this.#caches;
    const failure = cache.peek(key) ? undefined : failed.of(key, this);
    if (failure) throw await this.#named(failure, server, signal);
    const fetchValue = async () =>
      failed.watch(key, this, async () => {
        const value = await discover();
        this.#ended?.(key);
        return this.#withLifetime(value);
      });
    try {
      return (await cache.get(key, fetchValue, signal)).value;
    } catch (error) {
      throw isCredenceError(error) && !signal.aborted ? await this.#named(error, server, signal) : error;
    }
  }

  /**
   * The error of a request for the metadata. If another server sent the request, the error names the options of that server, so this
   * server gets a copy with its own name.
   */
  async #named(error: CredenceError, server: ServerSettings | undefined, signal: AbortSignal): Promise<CredenceError> {
    const other = error.server;
    if (!server || other === undefined || other === server.name) return error;
    const copies = this.#copies.get(error) ?? new Map<string, CredenceError>();
    this.#copies.set(error, copies);
    const known = copies.get(server.name);
    if (known) return known;
    const rename = (text: string) =>
      text.replaceAll(`servers.${other}.`, `servers.${server.name}.`).replaceAll(`"${other}"`, `"${server.name}"`);
    const remedy =
      error.code === 'issuer_mismatch'
        ? mismatchRemedyFor(error, `servers.${server.name}.issuer`, await this.#ownIssuer(server, signal))
        : undefined;
    const copy = copyOf(error, {
      server: server.name,
      message: rename(error.message),
      remedy: remedy ?? rename(error.remedy),
    });
    copies.set(server.name, copy);
    return copy;
  }

  #withLifetime<T extends { readonly isProvisional?: boolean | undefined }>(value: T): CachedValue<T> {
    const nowMs = this.#runtime.clock.monotonicMs();
    if (value.isProvisional === true) return { value, goodUntilMs: nowMs + PROVISIONAL_MS };
    return {
      value,
      refreshAtMs: nowMs + METADATA_REFRESH_MS,
      goodUntilMs: nowMs + METADATA_LIFETIME_MS,
      // While the metadata cannot be fetched, an old document is better than none: the endpoints in it may work.
      usableUntilMs: Infinity,
    };
  }
}

/** The configured URL that decides which addresses the metadata of the server's issuer may name. */
function urlOf(server: ServerSettings): URL {
  return server.issuer === 'discover' ? server.url : new URL(server.issuer);
}

function pinnedEndpoint(issuer: string, url: string, option: string): TokenEndpoint {
  return { issuer, url, option };
}

function list(issuers: readonly string[]): string {
  return issuers
    .slice(0, 4)
    .map((issuer) => namedUrl(issuer))
    .join(', ');
}
