import type { PolicyPrincipal } from '@credence/identity-provider';

/** The MCP servers of the sandbox. */
export type ServerName = 'issues' | 'documents' | 'database';
export const SERVER_NAMES = ['issues', 'documents', 'database'] as const satisfies readonly ServerName[];

/** The authorization servers of the sandbox. */
export type AuthorizationServerName = 'main' | 'research';
export const AUTHORIZATION_SERVER_NAMES = ['main', 'research'] as const satisfies readonly AuthorizationServerName[];

/** The service principals of the sandbox: three with access, one that was never approved and one that is disabled. */
export type PrincipalName = 'reporting-bot' | 'triage-bot' | 'analytics-bot' | 'unapproved-bot' | 'retired-bot';
export const PRINCIPAL_NAMES = [
  'reporting-bot',
  'triage-bot',
  'analytics-bot',
  'unapproved-bot',
  'retired-bot',
] as const satisfies readonly PrincipalName[];

/** The grants of each group at the start. */
export const GROUP_GRANTS = {
  analysts: { documents: ['documents:read'] },
  support: { documents: ['documents:read'] },
  data: { database: ['database:read'] },
} as const;
/** The groups and grants of each principal at the start. */
export const PRINCIPALS: Readonly<Record<PrincipalName, Pick<PolicyPrincipal, 'groups' | 'grants' | 'disabled'>>> = {
  'reporting-bot': {
    groups: ['analysts'],
    grants: { issues: { default: ['issues:read'], onRequest: ['issues:write'] } },
  },
  'triage-bot': { groups: ['support'], grants: { issues: ['issues:read', 'issues:write'] } },
  'analytics-bot': { groups: ['data'] },
  'unapproved-bot': {},
  'retired-bot': { groups: ['analysts'], disabled: true },
};

/**
 * The scopes that each principal may request beyond its default scopes, by server. These scopes become `stepUp` in its
 * configuration.
 */
export const STEP_UP: Readonly<Partial<Record<PrincipalName, Partial<Record<ServerName, readonly string[]>>>>> = {
  'reporting-bot': { issues: ['issues:write'] },
};
