import type { SandboxAuditTrail } from './audit/audit-trail.ts';
import type { McpRequestCounts } from './network/mcp-request-counts.ts';
import type { RequestCounts } from './network/request-counts.ts';
import type { Policy } from './policy/policy.ts';
import type { SecretCredential } from './principals/principal.ts';
import type { AuthorizationServerName, PrincipalName, ServerName } from './principals/seed.ts';
import type { UserTokenOptions } from './users/user-tokens.ts';

/** A running sandbox, returned by {@link startSandbox}. `close` stops all of its servers. */
export interface Sandbox {
  /** The organisation's identity provider. */
  readonly idp: IdentityProvider;
  /** `main` issues tokens for issues and documents, `research` for the database. */
  readonly authorizationServers: Readonly<Record<AuthorizationServerName, AuthorizationServer>>;
  /** The MCP servers, by name. */
  readonly servers: Readonly<Record<ServerName, McpServerEntry>>;
  /** The service principals and their credentials, by name. */
  readonly principals: Readonly<Record<PrincipalName, Principal>>;
  /**
   * The ID token that the IdP issues when a user signs in to the application of a principal (default: `reporting-bot`), for
   * `bot.onBehalfOf`. Throws `invalid_configuration` for an unknown user or principal.
   */
  userToken(user: string, options?: UserTokenOptions): Promise<string>;
  /** The IdP's policy: the grants of each principal. The policy can be changed while the sandbox runs. */
  readonly policy: Policy;
  /** The decisions of the IdP and of the authorization servers. */
  readonly audit: SandboxAuditTrail;
  /** Stops all servers and cuts every connection, open event streams included. Can be called twice. */
  close(): Promise<void>;
}

/** The organisation's identity provider. */
export interface IdentityProvider {
  /** The issuer identifier (RFC 8414), without a trailing slash. */
  readonly issuer: string;
  /** URL of the token endpoint, where principals get subject tokens and exchange them for ID-JAGs. */
  readonly tokenEndpoint: string;
  /** URL of the IdP's key set (RFC 7517). */
  readonly jwksUri: string;
  /** The number of requests that the IdP has received. */
  readonly requests: RequestCounts;
  /**
   * Makes a new signing key and signs with it from now on. The old public keys stay published, so that tokens signed with them
   * stay valid.
   * @returns the `kid` of the new key.
   */
  rotateSigningKey(): Promise<string>;
}

/** A resource authorization server: redeems ID-JAGs for access tokens. */
export interface AuthorizationServer {
  /** The issuer identifier (RFC 8414), without a trailing slash. */
  readonly issuer: string;
  /** URL of the token endpoint, where ID-JAGs are redeemed. */
  readonly tokenEndpoint: string;
  /** URL of the authorization server's key set (RFC 7517). */
  readonly jwksUri: string;
  /** The number of requests that the authorization server has received. */
  readonly requests: RequestCounts;
  /**
   * Revokes access tokens at once: all of them, or only those of one principal, for one MCP server, or both. Revocation
   * works for opaque tokens only, because the MCP servers verify JWTs without a request to the authorization server.
   * @returns the number of revoked tokens.
   */
  revokeTokens(filter?: { principal?: string; server?: string }): number;
}

/** A running MCP server (Streamable HTTP, stateful sessions). */
export interface McpServerEntry {
  /** The URL of the MCP endpoint. */
  readonly url: string;
  /** The RFC 9728 resource identifier: the same as `url`. */
  readonly resource: string;
  /** The issuer identifier of the authorization server that issues tokens for this MCP server. */
  readonly issuer: string;
  /** The name of that authorization server in `sandbox.authorizationServers`. */
  readonly authorizationServer: AuthorizationServerName;
  /** All scopes that the server's tools need. */
  readonly scopes: readonly string[];
  /** The scope that each tool needs, by tool name. */
  readonly tools: Readonly<Record<string, string>>;
  /** The number of requests that the server has received. */
  readonly requests: McpRequestCounts;
  /** Deletes every session, as a restart would: the next request of each session gets 404. Returns the number of sessions. */
  dropSessions(): Promise<number>;
}

/** A service principal and everything its configuration needs, secrets included. */
export interface Principal {
  /** The principal's name, which is also the subject of its ID-JAGs. */
  readonly name: PrincipalName;
  /** The client id at the IdP, where the principal authenticates with `private_key_jwt` (ES256). */
  readonly clientId: string;
  /** The private key for `private_key_jwt`, as PKCS#8 PEM. */
  readonly privateKey: string;
  /** The `kid` of the key that is registered at the IdP. */
  readonly keyId: string;
  /** A second client of the same principal at the IdP, for software that can only send a secret. */
  readonly secretClient: SecretCredential;
  /** The principal's groups when the sandbox started. `policy.snapshot()` returns the current ones. */
  readonly groups: readonly string[];
  /** The principal's configuration for each MCP server, by server name. */
  readonly servers: Readonly<Record<ServerName, PrincipalServer>>;
  /** The `CREDENCE_*` environment variables that `ServicePrincipal.fromEnv` reads, secrets included. */
  readonly env: Readonly<Record<string, string>>;
}

/** The configuration of one principal for one MCP server. The client id and secret are valid only at `issuer`. */
export interface PrincipalServer extends SecretCredential {
  /** The URL of the MCP endpoint. */
  readonly url: string;
  /** The RFC 9728 resource identifier: the same as `url`. */
  readonly resource: string;
  /** The issuer identifier of the authorization server that issues tokens for this MCP server. */
  readonly issuer: string;
  /** The scopes to request. Absent: no scope is requested, and the IdP grants its default scopes. */
  readonly scopes?: readonly string[];
  /** The scopes that the principal may request in addition after a 403 challenge. Absent: none. */
  readonly stepUp?: readonly string[];
}
