import { effectiveGrant } from './effective-grant.ts';
import type { PolicyState } from './state.ts';

export interface PolicyQuestion {
  /** Undefined where the client belongs to no principal. */
  principal: string | undefined;
  /** Undefined where audience and resource together name no server. */
  server: string | undefined;
  /** Undefined where the request names none: the default grant is asked for. */
  scopes: readonly string[] | undefined;
}

export type Decision =
  | { granted: true; scopes: string[] }
  | { granted: false; error: 'access_denied' | 'invalid_target' | 'invalid_scope'; reason: string };

/**
 * One request against the policy as it stands. A scope that is not held is dropped, as real IdPs do; a request of which
 * nothing would be left is denied.
 */
export function decide(state: PolicyState, { principal, server, scopes }: PolicyQuestion): Decision {
  const who = principal === undefined ? undefined : state.principals.get(principal);
  if (who === undefined) return denied('access_denied', 'The client belongs to no service principal.');
  if (!who.enabled) {
    return denied('access_denied', `${principal} is disabled. Ask the IdP administrator to enable it.`);
  }
  const target = server === undefined ? undefined : state.servers.get(server);
  if (server === undefined || target === undefined) {
    return denied('invalid_target', 'No server is registered at the IdP under this audience and resource.');
  }
  if (target.paused) {
    return denied('access_denied', `Access to ${server} is paused. Ask the IdP administrator when it resumes.`);
  }

  const held = effectiveGrant(state, who, server);
  const all = [...held.default, ...held.onRequest];
  if (all.length === 0) {
    return denied(
      'access_denied',
      `${principal} is not granted ${server}. Ask the IdP administrator to grant it one of: ${target.scopes.join(' ')}.`,
    );
  }
  const wanted = scopes ?? held.default;
  const granted = all.filter((scope) => wanted.includes(scope));
  if (granted.length === 0) {
    return denied('invalid_scope', nothingLeft(String(principal), server, scopes, all));
  }
  return { granted: true, scopes: granted };
}

/** Why a grant is what it is, for the audit trail. */
export function grantReason(grant: {
  principal: string | undefined;
  server: string | undefined;
  requestedScopes: readonly string[];
  grantedScopes: readonly string[];
}): string {
  const { principal, server, requestedScopes, grantedScopes } = grant;
  const dropped = requestedScopes.filter((scope) => !grantedScopes.includes(scope));
  const how = requestedScopes.length === 0 ? 'by default' : 'as asked';
  const rest = dropped.length === 0 ? '' : ` Dropped, not held: ${dropped.join(' ')}.`;
  return `${principal} holds ${grantedScopes.join(' ')} at ${server} (${how}).${rest}`;
}

function nothingLeft(principal: string, server: string, scopes: readonly string[] | undefined, held: string[]): string {
  if (scopes === undefined) {
    return `${principal} has no default scope at ${server}. Ask for one of: ${held.join(' ')}.`;
  }
  return `${principal} does not hold ${scopes.join(' ')} at ${server}. It holds: ${held.join(' ')}. Ask the IdP administrator for more.`;
}

function denied(error: Extract<Decision, { granted: false }>['error'], reason: string): Decision {
  return { granted: false, error, reason };
}
