import type { SandboxAuditTrail } from './audit/audit-trail.ts';
import type { McpRequestCounts } from './network/mcp-request-counts.ts';
import type { RequestCounts } from './network/request-counts.ts';
import type { Policy } from './policy/policy.ts';
import type { SecretCredential } from './credentials/credentials.ts';
import type { AuthorizationServerName, PrincipalName, ServerName } from './principals/seed.ts';
import type { UserTokenOptions } from './users/options.ts';
import type { DefaultAuthorizationServer } from './world/options.ts';

/**
 * A running sandbox, returned by {@link startSandbox}. `close` stops all of its servers. The type parameters are the names of its
 * servers, principals and authorization servers; `Sandbox<string, string, string>` is any sandbox.
 */
export interface Sandbox<
  Server extends string = ServerName,
  Name extends string = PrincipalName,
  Issuer extends string = DefaultAuthorizationServer<Server>,
> {
  /** The organisation's identity provider. */
  readonly idp: IdentityProvider;
  /** By default, `main` issues tokens for issues and documents, `research` for the database. */
  readonly authorizationServers: Readonly<Record<Issuer, AuthorizationServer>>;
  /** The MCP servers, by name. */
  readonly servers: Readonly<Record<Server, McpServerEntry<Issuer>>>;
  /** The service principals and their credentials, by name. */
  readonly principals: Readonly<Record<Name, Principal<Server, Name>>>;
  /**
   * The ID token that the IdP issues when a user signs in to the application of a principal, for `bot.onBehalfOf`. Throws
   * `invalid_configuration` for an unknown user or principal.
   */
  userToken(user: string, options?: UserTokenOptions): Promise<string>;
  /** The IdP's policy: the grants of each principal. The policy can be changed while the sandbox runs. */
  readonly policy: Policy;
  /** The decisions of the IdP and of the authorization servers. */
  readonly audit: SandboxAuditTrail;
  /** Stops all servers and cuts every connection, open event streams included. Can be called twice. */
  close(): Promise<void>;
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
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

/** A running MCP server (Streamable HTTP). */
export interface McpServerEntry<Issuer extends string = AuthorizationServerName> {
  /** The URL of the MCP endpoint. */
  readonly url: string;
  /** The RFC 9728 resource identifier: the same as `url`. */
  readonly resource: string;
  /** The issuer identifier of the authorization server that issues tokens for this MCP server. */
  readonly issuer: string;
  /** The name of that authorization server in `sandbox.authorizationServers`. */
  readonly authorizationServer: Issuer;
  /** All scopes of the server that can be granted. */
  readonly scopes: readonly string[];
  /** The scopes that each tool needs, separated by spaces, by tool name. Only the tools whose scopes the sandbox checks. */
  readonly tools: Readonly<Record<string, string>>;
  /**
   * The server's client at its authorization server, for the option `introspection` of `accessTokenVerifier`. A server with
   * `gate: 'own'` needs it.
   */
  readonly introspection: Introspection;
  /** The number of requests that the server has received. Always 0 with `gate: 'own'`, whose requests the sandbox does not see. */
  readonly requests: McpRequestCounts;
  /**
   * Deletes every session, as a restart would: the next request of each session gets 404. Returns the number of sessions. Has no
   * effect with `gate: 'own'`, and on a server without sessions.
   */
  dropSessions(): Promise<number>;
}

/** A client that may introspect access tokens (RFC 7662). */
export interface Introspection extends SecretCredential {
  /** URL of the introspection endpoint of the authorization server. */
  readonly endpoint: string;
}

/** A service principal and everything its configuration needs, secrets included. */
export interface Principal<Server extends string = ServerName, Name extends string = PrincipalName> {
  /** The principal's name, which is also the subject of its ID-JAGs. */
  readonly name: Name;
  /** The client id at the IdP of the client that authenticates with `private_key_jwt`. */
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
  readonly servers: Readonly<Record<Server, PrincipalServer>>;
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
