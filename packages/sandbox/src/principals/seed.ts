import type { Policy } from '../policy/policy.ts';

export const SERVER_NAMES = ['issues', 'documents', 'database'] as const;
export type ServerName = (typeof SERVER_NAMES)[number];

export const AUTHORIZATION_SERVER_NAMES = ['main', 'research'] as const;
export type AuthorizationServerName = (typeof AUTHORIZATION_SERVER_NAMES)[number];

export const PRINCIPAL_NAMES = [
  'reporting-bot',
  'triage-bot',
  'analytics-bot',
  'unapproved-bot',
  'retired-bot',
] as const;
export type PrincipalName = (typeof PRINCIPAL_NAMES)[number];

/** The groups each principal starts in. */
export const PRINCIPAL_GROUPS: Readonly<Record<PrincipalName, readonly string[]>> = {
  'reporting-bot': ['analysts'],
  'triage-bot': ['support'],
  'analytics-bot': ['data'],
  'unapproved-bot': [],
  'retired-bot': ['analysts'],
};

/** What each principal may ask for beyond its default grant, per server. It goes into its configuration as `stepUp`. */
export const STEP_UP: Readonly<Partial<Record<PrincipalName, Partial<Record<ServerName, readonly string[]>>>>> = {
  'reporting-bot': { issues: ['issues:write'] },
};

/** The story the sandbox starts with: who may reach what. */
export function grantTheDefaults(policy: Policy): void {
  policy.grant('reporting-bot', 'issues', ['issues:read']);
  policy.grant('reporting-bot', 'issues', ['issues:write'], { onRequest: true });
  policy.grant('triage-bot', 'issues', ['issues:read', 'issues:write']);
  policy.grant('analysts', 'documents', ['documents:read']);
  policy.grant('support', 'documents', ['documents:read']);
  policy.grant('data', 'database', ['database:read']);
  policy.disablePrincipal('retired-bot');
}
