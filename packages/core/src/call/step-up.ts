import { cleanText, scopesNotIn } from '@credence/protocol';
import { CredenceError } from '../errors/credence-error.ts';
import { namedScopes } from '../errors/named-scopes.ts';
import type { ServerSettings } from '../settings/settings.ts';
import type { AccessToken } from '../tokens/access-token.ts';
import type { ServerRefusal } from '../tokens/failures.ts';

/**
 * The scopes of a 403 challenge that the configuration allows and that the token does not have. Throws `insufficient_scope`
 * if there is none, so that a server cannot make the bot request scopes beyond its configuration.
 */
export function scopesToAdd(
  challenged: readonly string[],
  token: AccessToken,
  server: ServerSettings,
  { errorDescription, peerText }: ServerRefusal = {},
): readonly string[] {
  const lacking = scopesNotIn(challenged, token.scopes);
  const ceiling = new Set([...(server.scopes ?? token.scopes), ...server.stepUp]);
  const allowed = lacking.filter((scope) => ceiling.has(scope));
  if (allowed.length > 0) return allowed;

  const configured = [...(server.scopes ?? []), ...server.stepUp];
  const names = (scopes: readonly string[]) => namedScopes(scopes, configured);
  const base = {
    code: 'insufficient_scope',
    leg: 'call',
    status: 403,
    error: 'insufficient_scope',
    errorDescription,
    server: server.name,
    issuer: token.issuer,
    missingScopes: lacking,
    peerText:
      peerText ??
      (challenged.length === 0 ? undefined : cleanText(`scope="${challenged.join(' ')}"`, { secrets: [token.value] })),
  } as const;
  if (challenged.length === 0) {
    throw new CredenceError({
      ...base,
      message: `Server "${server.name}" refused the call because of a missing scope and did not name it.`,
      remedy: `Ask the owner of server "${server.name}" which scope this call needs; the token has ${names(token.scopes) || 'none'}.`,
      contact: 'server-owner',
    });
  }
  if (lacking.length === 0) {
    throw new CredenceError({
      ...base,
      message: `Server "${server.name}" requires ${names(challenged)}, which the token already has.`,
      remedy: `Ask the owner of server "${server.name}" which scope the call needs.`,
      contact: 'server-owner',
    });
  }
  throw new CredenceError({
    ...base,
    message: `The call needs ${names(lacking)} at server "${server.name}", and the configuration of this bot does not allow it.`,
    remedy: `Read missingScopes of this error. If the bot is meant to have such a scope, add it to servers.${server.name}.stepUp and ask for it to be granted at the IdP.`,
    contact: 'you',
  });
}

/** The error if `approveStepUp` returns false, or if `stepUp` is false. */
export function notApproved(
  server: string,
  token: AccessToken,
  scopes: readonly string[],
  { errorDescription, peerText }: ServerRefusal,
): CredenceError {
  return new CredenceError({
    code: 'insufficient_scope',
    leg: 'call',
    message: `The call needs ${scopes.map((scope) => `"${scope}"`).join(', ')} at server "${server}", and adding it was not approved.`,
    remedy: 'Ask for the approval of this scope, or do not make this call.',
    contact: 'you',
    server,
    issuer: token.issuer,
    status: 403,
    error: 'insufficient_scope',
    errorDescription,
    peerText,
    missingScopes: scopes,
  });
}
