import type { ScopeGrant } from '@credence/identity-provider';

/** The MCP servers of the sandbox. */
export type ServerName = 'issues' | 'documents' | 'database';
export const SERVER_NAMES = ['issues', 'documents', 'database'] as const satisfies readonly ServerName[];

/** The authorization servers of the sandbox. */
export type AuthorizationServerName = 'main' | 'research';
export const AUTHORIZATION_SERVER_NAMES = ['main', 'research'] as const satisfies readonly AuthorizationServerName[];

/** The service principals of the sandbox: three with access, one that was never approved and one that is disabled. */
export type PrincipalName = 'reporting-bot' | 'triage-bot' | 'analytics-bot' | 'unapproved-bot' | 'retired-bot';

/** The groups of the sandbox. */
export type GroupName = 'analysts' | 'support' | 'data';

/** The members of each group at the start. */
export const GROUPS: Readonly<Record<GroupName, readonly PrincipalName[]>> = {
  analysts: ['reporting-bot', 'retired-bot'],
  support: ['triage-bot'],
  data: ['analytics-bot'],
};

/** The grants of each principal and each group at the start. */
export const GRANTS: Readonly<Record<string, Readonly<Record<string, ScopeGrant>>>> = {
  'reporting-bot': { issues: { default: ['issues:read'], onRequest: ['issues:write'] } },
  'triage-bot': { issues: ['issues:read', 'issues:write'] },
  analysts: { documents: ['documents:read'] },
  support: { documents: ['documents:read'] },
  data: { database: ['database:read'] },
};

/** The principals at the start. */
export const PRINCIPALS: Readonly<Record<PrincipalName, { readonly disabled?: boolean }>> = {
  'reporting-bot': {},
  'triage-bot': {},
  'analytics-bot': {},
  'unapproved-bot': {},
  'retired-bot': { disabled: true },
};

/** The principal that has no grant. */
export const UNAPPROVED: PrincipalName = 'unapproved-bot';
