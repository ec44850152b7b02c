import type { AuditTrail } from './audit/audit-trail.ts';
import type { McpRequestCounts } from './network/mcp-request-counts.ts';
import type { RequestCounts } from './network/request-counts.ts';
import type { Policy } from './policy/policy.ts';
import type { SecretCredential } from './principals/principal.ts';
import type { AuthorizationServerName, PrincipalName, ServerName } from './principals/seed.ts';

/** A whole enterprise on loopback: what {@link startSandbox} gives. Everything in it is real, and none of it outlives `close`. */
export interface Sandbox {
  /** The organisation's identity provider. */
  readonly idp: IdentityProvider;
  /** `main` guards issues and documents, `research` the database. */
  readonly authorizationServers: Readonly<Record<AuthorizationServerName, AuthorizationServer>>;
  /** The MCP servers, by name. */
  readonly servers: Readonly<Record<ServerName, McpServerEntry>>;
  /** The service principals and their credentials, by name. */
  readonly principals: Readonly<Record<PrincipalName, Principal>>;
  /** Who may reach what. It can be changed while the sandbox runs. */
  readonly policy: Policy;
  /** What the IdP and the authorization servers decided. */
  readonly audit: AuditTrail;
  /** Stops everything and cuts every connection, open event streams included. Safe to call twice. */
  close(): Promise<void>;
}

/** The organisation's identity provider. */
export interface IdentityProvider {
  /** The issuer identifier (RFC 8414), without a trailing slash. */
  readonly issuer: string;
  /** Where principals authenticate and exchange tokens. */
  readonly tokenEndpoint: string;
  /** Where the IdP publishes its public keys. */
  readonly jwksUri: string;
  /** How many requests the IdP has received. */
  readonly requests: RequestCounts;
  /**
   * A new key signs from now on; the old public keys stay published, so that what they signed keeps verifying.
   * @returns the `kid` of the new key.
   */
  rotateSigningKey(): Promise<string>;
}

/** A resource authorization server: redeems ID-JAGs for access tokens. */
export interface AuthorizationServer {
  /** The issuer identifier (RFC 8414), without a trailing slash. */
  readonly issuer: string;
  /** Where ID-JAGs are redeemed. */
  readonly tokenEndpoint: string;
  /** Where the authorization server publishes its public keys. */
  readonly jwksUri: string;
  /** How many requests the authorization server has received. */
  readonly requests: RequestCounts;
  /**
   * Ends live access tokens at once: all of them, or those of one principal, for one server, or both. Opaque tokens
   * only: nobody asks an authorization server about a JWT.
   * @returns how many there were.
   */
  revokeTokens(filter?: { principal?: string; server?: string }): number;
}

/** A running MCP server (Streamable HTTP, stateful sessions). */
export interface McpServerEntry {
  /** The URL of the MCP endpoint. */
  readonly url: string;
  /** The RFC 9728 resource identifier: the same as `url`. */
  readonly resource: string;
  /** The issuer identifier of the authorization server that guards it. */
  readonly issuer: string;
  /** The name of that authorization server in `sandbox.authorizationServers`. */
  readonly authorizationServer: AuthorizationServerName;
  /** Every scope that its tools need. */
  readonly scopes: readonly string[];
  /** Tool names and the scope each needs. */
  readonly tools: Readonly<Record<string, string>>;
  /** How many requests the server has received. */
  readonly requests: McpRequestCounts;
  /** Forgets every session, as a restart would: the next request of each gets 404. Returns how many there were. */
  dropSessions(): Promise<number>;
}

/** A service principal and everything its configuration needs, secrets included. */
export interface Principal {
  /** Its name, which is also the subject of its ID-JAGs. */
  readonly name: PrincipalName;
  /** At the IdP, with `private_key_jwt` (ES256). */
  readonly clientId: string;
  /** PKCS#8 PEM. */
  readonly privateKey: string;
  /** The `kid` under which the IdP knows the public key. */
  readonly keyId: string;
  /** A second credential of the same principal at the IdP, for clients that can only send a secret. */
  readonly secretClient: SecretCredential;
  /** As at the start; `policy.snapshot()` says how it is now. */
  readonly groups: readonly string[];
  /** Every MCP server as this principal is configured for it, by name. */
  readonly servers: Readonly<Record<ServerName, PrincipalServer>>;
  /** CREDENCE_* variables. */
  readonly env: Readonly<Record<string, string>>;
}

/** One server as one principal is configured for it. The client id and secret are for `issuer` and nobody else. */
export interface PrincipalServer extends SecretCredential {
  /** The URL of the MCP endpoint. */
  readonly url: string;
  /** The RFC 9728 resource identifier: the same as `url`. */
  readonly resource: string;
  /** The issuer identifier of the authorization server that guards it. */
  readonly issuer: string;
  /** Absent: the IdP's default grant. */
  readonly scopes?: readonly string[];
  /** What a 403 challenge may add. Absent: nothing. */
  readonly stepUp?: readonly string[];
}
