import { identifier } from '@credence/protocol';
import { type CachedValue, RefreshingCache } from '../cache/refreshing-cache.ts';
import { CredenceError } from '../errors/credence-error.ts';
import type { ServerSettings } from '../settings/settings.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { discoverIssuer, type IssuerMetadata } from './authorization-server.ts';
import { discoverResource, type ProtectedResource } from './protected-resource.ts';
import type { TokenEndpoint } from './token-endpoint.ts';

const METADATA_REFRESH_MS = 3_600_000;
const METADATA_LIFETIME_MS = 24 * 3_600_000;

/** The metadata of MCP servers and issuers. Metadata is cached for a day, and refreshed in the background after an hour. */
export class Directory {
  readonly #runtime: Runtime;
  readonly #resources: RefreshingCache<ProtectedResource>;
  readonly #issuers: RefreshingCache<IssuerMetadata>;
  /** For servers with `issuer: 'discover'`: the first issuer by server name. Another issuer later is refused. */
  readonly #firstIssuers: Map<string, string>;

  constructor(runtime: Runtime, firstIssuers = new Map<string, string>()) {
    this.#runtime = runtime;
    this.#resources = new RefreshingCache(runtime.clock);
    this.#issuers = new RefreshingCache(runtime.clock);
    this.#firstIssuers = firstIssuers;
  }

  /**
   * Returns a directory without cached metadata. The new directory has the first issuers of this one, so that a changed issuer is
   * still refused.
   */
  withoutMetadata(runtime: Runtime): Directory {
    return new Directory(runtime, this.#firstIssuers);
  }

  /** The resource identifier of a server and the issuer of its authorization server. Throws if a pinned value differs. */
  async target(server: ServerSettings, signal: AbortSignal): Promise<{ resource: string; issuer: string }> {
    const pinned = server.issuer === 'discover' ? undefined : server.issuer;
    if (server.resource !== undefined && pinned !== undefined) return { resource: server.resource, issuer: pinned };
    const { value: metadata } = await this.#resources.get(
      server.name,
      async () => this.#withLifetime(await discoverResource(this.#runtime, server, signal)),
      signal,
    );
    const resource = server.resource ?? metadata.resource;
    if (pinned === undefined) return { resource, issuer: this.#discovered(server, metadata) };
    if (metadata.authorizationServers.length > 0 && !metadata.authorizationServers.includes(pinned)) {
      throw new CredenceError({
        code: 'issuer_mismatch',
        leg: 'discover',
        message: `Server "${server.name}" accepts tokens of ${list(metadata.authorizationServers)}, not of the configured issuer "${pinned}".`,
        remedy: `Check servers.${server.name}.issuer (a trailing slash counts) and servers.${server.name}.url; the credential was not sent.`,
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
    const configuredUrl = server.issuer === 'discover' ? server.url : new URL(server.issuer);
    const option = `servers.${server.name}.issuer`;
    const role = 'authorization-server';
    const { value: metadata } = await this.#issuers.get(
      `as ${server.name} ${issuer}`,
      async () =>
        this.#withLifetime(
          await discoverIssuer(this.#runtime, issuer, { role, server: server.name, option, configuredUrl, signal }),
        ),
      signal,
    );
    return { issuer, url: metadata.tokenEndpoint, metadata, configuredUrl };
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
    const { value: metadata } = await this.#issuers.get(
      `idp ${issuer}`,
      async () =>
        this.#withLifetime(await discoverIssuer(this.#runtime, issuer, { role: 'idp', option, configuredUrl, signal })),
      signal,
    );
    return { issuer, url: metadata.tokenEndpoint, metadata, configuredUrl };
  }

  /** Drops the metadata of a server and of the IdP, because an endpoint in it does not exist any more. */
  forget(server: ServerSettings, idp?: { issuer: string }): void {
    this.#resources.drop(server.name);
    this.#issuers.clear((key) => key.startsWith(`as ${server.name} `) || key === `idp ${idp?.issuer}`);
  }

  #discovered(server: ServerSettings, metadata: ProtectedResource): string {
    const [issuer, ...others] = metadata.authorizationServers;
    const base = { leg: 'discover', server: server.name } as const;
    if (issuer === undefined) {
      throw new CredenceError({
        ...base,
        code: 'metadata_not_found',
        message: `Server "${server.name}" does not name the authorization server that it trusts.`,
        remedy: `Ask the owner of server "${server.name}" for the issuer and set servers.${server.name}.issuer.`,
        contact: 'server-owner',
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
    const first = this.#firstIssuers.get(server.name) ?? issuer;
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
    this.#firstIssuers.set(server.name, issuer);
    return issuer;
  }

  #withLifetime<T>(value: T): CachedValue<T> {
    const nowMs = this.#runtime.clock.monotonicMs();
    return { value, refreshAtMs: nowMs + METADATA_REFRESH_MS, goodUntilMs: nowMs + METADATA_LIFETIME_MS };
  }
}

function pinnedEndpoint(issuer: string, url: string, option: string): TokenEndpoint {
  return { issuer, url, option };
}

function list(issuers: readonly string[]): string {
  return issuers
    .slice(0, 4)
    .map((issuer) => identifier(issuer))
    .join(', ');
}
