export type {
  SandboxAuditListener,
  SandboxAuditRecord,
  SandboxAuditTrail,
  SandboxCallRecord,
} from './audit/audit-trail.ts';
export type { McpRequestCounts } from './network/mcp-request-counts.ts';
export type { RequestCounts } from './network/request-counts.ts';
export type { SandboxOptions } from './options.ts';
export type { Policy, PolicySnapshot, ServerGrant } from './policy/policy.ts';
export type { SecretCredential } from './principals/principal.ts';
export type { AuthorizationServerName, PrincipalName, ServerName } from './principals/seed.ts';
export type {
  AuthorizationServer,
  IdentityProvider,
  McpServerEntry,
  Principal,
  PrincipalServer,
  Sandbox,
} from './sandbox.ts';
export { startSandbox } from './start-sandbox.ts';
export type { UserOptions } from './users/options.ts';
export type { UserTokenOptions } from './users/user-tokens.ts';
