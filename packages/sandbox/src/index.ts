export type {
  SandboxAuditListener,
  SandboxAuditRecord,
  SandboxAuditTrail,
  SandboxCallRecord,
} from './audit/audit-trail.ts';
export type {
  ChildAuditTrail,
  ChildAuthorizationServer,
  ChildIdentityProvider,
  ChildMcpServer,
  ChildPolicy,
  ChildSandbox,
} from './child/child-sandbox.ts';
export type { SecretCredential } from './credentials/credentials.ts';
export type { McpRequestCounts } from './network/mcp-request-counts.ts';
export type { RequestCounts } from './network/request-counts.ts';
export type { SandboxOptions, SandboxProcess, SandboxSettings } from './options.ts';
export type { Policy, PolicySnapshot, ServerGrant } from './policy/policy.ts';
export type { AuthorizationServerName, GroupName, PrincipalName, ServerName } from './principals/seed.ts';
export type {
  AuthorizationServer,
  IdentityProvider,
  Introspection,
  McpServerEntry,
  Principal,
  PrincipalServer,
  Sandbox,
} from './sandbox.ts';
export {
  type SandboxTool,
  type SandboxToolDefinition,
  type SandboxToolHints,
  type SandboxToolResult,
  type ToolCaller,
  ToolRefusal,
  sandboxTool,
} from './servers/sandbox-tool.ts';
export { type StartedSandbox, startSandbox } from './start-sandbox.ts';
export type {
  DefaultAuthorizationServer,
  DefaultGroup,
  OnlyServer,
  SandboxMcpSource,
  SandboxWorld,
} from './world/options.ts';
export type { SandboxPrincipal } from './world/principal.ts';
export type {
  SandboxAuthInfo,
  SandboxMcpContext,
  SandboxMcpFactory,
  SandboxMcpHandler,
  SandboxMcpServer,
  SandboxServer,
} from './world/server.ts';
export type { UserOptions } from './users/options.ts';
export type { UserTokenOptions } from './users/options.ts';
