import { type CredenceErrorJson, CredenceError } from '@credence/core';
import type { UserTokenOptions } from '../users/options.ts';
import type { SandboxAuditRecord, SandboxCallRecord } from '../audit/audit-trail.ts';
import type { McpRequestCounts } from '../network/mcp-request-counts.ts';
import type { RequestCounts } from '../network/request-counts.ts';
import type { AnyOptions } from '../options.ts';
import type { Policy } from '../policy/policy.ts';
import type { AuthorizationServer, IdentityProvider, McpServerEntry, Principal } from '../sandbox.ts';

/** A call of one method of the policy, with its arguments. */
export type PolicyCall = {
  [Method in keyof Policy]: [method: Method, ...args: Parameters<Policy[Method]>];
}[keyof Policy];

/** What the parent can ask the child to do. */
export interface Operations {
  rotateSigningKey(): Promise<string>;
  /** Without a name: the requests that the IdP has received. */
  issuerRequests(authorizationServer?: string): RequestCounts;
  revokeTokens(authorizationServer: string, filter?: { principal?: string; server?: string }): number;
  mcpRequests(server: string): McpRequestCounts;
  dropSessions(server: string): Promise<number>;
  policy(...call: PolicyCall): unknown;
  records(): readonly SandboxAuditRecord[];
  calls(): readonly SandboxCallRecord[];
  userToken(user: string, options?: UserTokenOptions): Promise<string>;
  close(): Promise<void>;
}

/** The data of a sandbox that does not change. */
export interface Description {
  idp: Pick<IdentityProvider, 'issuer' | 'tokenEndpoint' | 'jwksUri'>;
  authorizationServers: Readonly<Record<string, Pick<AuthorizationServer, 'issuer' | 'tokenEndpoint' | 'jwksUri'>>>;
  servers: Readonly<Record<string, Omit<McpServerEntry<string>, 'requests' | 'dropSessions'>>>;
  principals: Readonly<Record<string, Principal<string, string>>>;
}

/** Options that can be sent to another process. */
export type Sendable = Omit<AnyOptions, 'process'>;

/** A message of the parent: the options, once, and then calls. */
export type ToChild =
  | { readonly start: Sendable }
  | { readonly id: number; readonly operation: keyof Operations; readonly args: readonly unknown[] };

/** A message of the child: the result of the start, results of calls, and each audit record. */
export type ToParent =
  | { readonly ready: Description }
  | { readonly failed: SentError }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: SentError }
  | { readonly record: SandboxAuditRecord };

/** An error as data. A CredenceError keeps code, leg, message, remedy and contact; of another error only the message is sent. */
export type SentError = { readonly credence: CredenceErrorJson } | { readonly message: string };

export function sentError(error: unknown): SentError {
  if (error instanceof CredenceError) return { credence: error.toJSON() };
  return { message: error instanceof Error ? error.message : String(error) };
}

export function receivedError(sent: SentError): Error {
  if (!('credence' in sent)) return new Error(sent.message);
  const { code, leg, message, remedy, contact } = sent.credence;
  return new CredenceError({ code, leg, message, remedy, contact });
}
