import type { DenialFacts, IdJagDenial } from '@credence/identity-provider';

/**
 * Returns the error description for the bot: the denial, and whom to contact. The audit trail gets the reason of the policy
 * table.
 */
export function explainDenial({ status, reason }: IdJagDenial, facts: DenialFacts): string {
  const { request, principal = 'this client', server = 'this server', enabledScopes, held } = facts;
  if (status === 'principal_disabled') return isDisabled(principal);
  if (status === 'server_paused') return `Access to ${server} is paused. Ask the IdP administrator when it resumes.`;
  if (status === 'no_grant') {
    return `${principal} is not granted ${server}. Ask the IdP administrator to grant it one of: ${enabledScopes.join(' ')}.`;
  }
  if (status !== 'no_grant_for_scope') return reason;
  const all = [...held.default, ...held.onRequest].join(' ');
  if (request.scopes === undefined) return `${principal} has no default scope at ${server}. Request one of: ${all}.`;
  const requested = request.scopes.join(' ');
  return `${principal} does not hold ${requested} at ${server}. It holds: ${all}. Ask the IdP administrator for more.`;
}

export function isDisabled(principal: string): string {
  return `${principal} is disabled. Ask the IdP administrator to enable it.`;
}
