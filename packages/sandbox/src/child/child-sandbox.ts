import type { UserTokenOptions } from '../users/options.ts';
import type { SandboxAuditListener, SandboxAuditRecord, SandboxCallRecord } from '../audit/audit-trail.ts';
import type { McpRequestCounts } from '../network/mcp-request-counts.ts';
import type { RequestCounts } from '../network/request-counts.ts';
import type { Policy } from '../policy/policy.ts';
import type { PrincipalName, ServerName } from '../principals/seed.ts';
import type { AuthorizationServer, IdentityProvider, McpServerEntry, Principal } from '../sandbox.ts';
import type { DefaultAuthorizationServer } from '../world/options.ts';

/**
 * A sandbox that runs in a child process, returned by `startSandbox({ process: 'child' })`. URLs and credentials are the same as in a
 * `Sandbox`. What is counted, recorded or changed is a function that returns a promise, because it is in the other process.
 *
 * The child ends when `close` is called and when this process ends, also if this process is killed. It does not keep this process
 * running.
 */
export interface ChildSandbox<
  Server extends string = ServerName,
  Name extends string = PrincipalName,
  Issuer extends string = DefaultAuthorizationServer<Server>,
> {
  /** The process id of the child. */
  readonly pid: number;
  /** The organisation's identity provider. */
  readonly idp: ChildIdentityProvider;
  /** By default, `main` issues tokens for issues and documents, `research` for the database. */
  readonly authorizationServers: Readonly<Record<Issuer, ChildAuthorizationServer>>;
  /** The MCP servers, by name. */
  readonly servers: Readonly<Record<Server, ChildMcpServer<Issuer>>>;
  /** The service principals and their credentials, by name. */
  readonly principals: Readonly<Record<Name, Principal<Server, Name>>>;
  /** The ID token of a user, as `userToken` of a `Sandbox` issues it. */
  userToken(user: string, options?: UserTokenOptions): Promise<string>;
  /** The IdP's policy. Each method returns a promise for what the method of `Policy` returns. */
  readonly policy: ChildPolicy;
  /** The decisions of the IdP and of the authorization servers. */
  readonly audit: ChildAuditTrail;
  /** Stops all servers and ends the child. Can be called twice. */
  close(): Promise<void>;
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The identity provider of a sandbox in a child process. */
export interface ChildIdentityProvider extends Omit<IdentityProvider, 'requests'> {
  /** Resolves to the number of requests that the IdP has received. */
  requests(): Promise<RequestCounts>;
}

/** An authorization server of a sandbox in a child process. */
export interface ChildAuthorizationServer extends Omit<AuthorizationServer, 'requests' | 'revokeTokens'> {
  /** Resolves to the number of requests that the authorization server has received. */
  requests(): Promise<RequestCounts>;
  /** Revokes access tokens, as `revokeTokens` of a `Sandbox`. Resolves to their number. */
  revokeTokens(filter?: { principal?: string; server?: string }): Promise<number>;
}

/** An MCP server of a sandbox in a child process. */
export interface ChildMcpServer<Issuer extends string = string> extends Omit<McpServerEntry<Issuer>, 'requests'> {
  /** Resolves to the number of requests that the server has received. */
  requests(): Promise<McpRequestCounts>;
}

/** The policy of a sandbox in a child process. */
export type ChildPolicy = {
  readonly [Method in keyof Policy]: (...args: Parameters<Policy[Method]>) => Promise<ReturnType<Policy[Method]>>;
};

/** The audit trail of a sandbox in a child process. */
export interface ChildAuditTrail {
  /** Resolves to all records, the oldest first. */
  records(): Promise<readonly SandboxAuditRecord[]>;
  /** Resolves to all tool calls, the oldest first. */
  calls(): Promise<readonly SandboxCallRecord[]>;
  /**
   * Calls `listener` for every new record, in order, after the record has arrived from the child.
   * @returns a function that ends the subscription.
   */
  subscribe(listener: SandboxAuditListener): () => void;
}
