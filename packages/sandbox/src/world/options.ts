import type { ScopeGrant } from '@credence/identity-provider';
import type { AuthorizationServerName, GroupName, PrincipalName, ServerName } from '../principals/seed.ts';
import type { UserOptions } from '../users/options.ts';
import type { SandboxPrincipal } from './principal.ts';
import type { SandboxMcpFactory, SandboxMcpHandler, SandboxServer } from './server.ts';

/** An MCP server of your own in short: a factory, a handler of SDK v2, or the URL of a server that is running. */
export type SandboxMcpSource = SandboxMcpFactory | SandboxMcpHandler | string | URL;

/** The name of the only server, if `mcpServer` is set and `servers` is not. */
export type OnlyServer<Own> = Own extends undefined ? ServerName : 'mcp';

/** The authorization servers, if no entry of `servers` names one. */
export type DefaultAuthorizationServer<Server extends string> = string extends Server
  ? string
  : ServerName extends Server
    ? AuthorizationServerName
    : 'main';

/** The groups, if the option `groups` is not set: those of the sandbox's own principals. */
export type DefaultGroup<Principal extends string> = string extends Principal
  ? string
  : PrincipalName extends Principal
    ? GroupName
    : never;

/**
 * Servers, principals and grants of your own. Each option replaces what the sandbox has without it. Without all of them, the sandbox
 * has three servers and five principals with grants.
 */
export interface SandboxWorld<
  Own extends SandboxMcpSource | undefined = undefined,
  Server extends string = OnlyServer<Own>,
  Principal extends string = PrincipalName,
  Group extends string = DefaultGroup<Principal>,
  AuthorizationServer extends string = DefaultAuthorizationServer<Server>,
> {
  /** The MCP servers, by name. Default: issues, documents and database; with `mcpServer`, one server with the name `mcp`. */
  servers?: Readonly<Record<Server, SandboxServer<AuthorizationServer>>>;
  /** The only server; with `servers`, the server of each entry that has no `tools` (as a list), `mcpServer`, `module` or `url`. */
  mcpServer?: Own;
  /** The service principals, by name. Default: reporting-bot, triage-bot, analytics-bot, unapproved-bot and retired-bot. */
  principals?: Readonly<Record<Principal, SandboxPrincipal>>;
  /** The members of each group. Default: the groups of the principals above; with `principals`, none. */
  groups?: Readonly<Record<Group, readonly NoInfer<Principal>[]>>;
  /**
   * The scopes of each principal or group at each server. A list is granted to requests that name no scope, too. Scopes of
   * `onRequest` are granted only to requests that name them. Default: with `servers` or `mcpServer`, every scope of each server to each
   * principal (of the built-in ones, not to unapproved-bot); else the grants of the built-in principals and groups.
   */
  grants?: Readonly<
    Partial<Record<NoInfer<Principal> | NoInfer<Group>, Readonly<Partial<Record<NoInfer<Server>, ScopeGrant>>>>>
  >;
  /**
   * The users for whom a service principal can act, by the `sub` of their ID tokens, which `userToken` issues. Default: `alice` and `bob` with
   * grants at the servers above, and `mallory` without; with servers of your own, none.
   */
  users?: Readonly<Record<string, UserOptions>>;
}
