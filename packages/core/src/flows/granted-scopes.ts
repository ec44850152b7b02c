import { cleanText, scopesNotIn, unionScopes, withoutSecrets } from '@credence/protocol';
import { CredenceError } from '../errors/credence-error.ts';
import { namedScopes } from '../errors/named-scopes.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { ServerSettings } from '../settings/settings.ts';

/** A longer scope is left out, so that a peer cannot fill a log. */
const MAX_SCOPE_LENGTH = 1_000;

/**
 * The scopes that a token for this server may have: the configured ones, those of `stepUp`, and the requested ones. Undefined if
 * neither the configuration nor the request names a scope, because the IdP then grants its default.
 */
export function scopeCeiling(
  { scopes, stepUp }: Pick<ServerSettings, 'scopes' | 'stepUp'>,
  requested: readonly string[] | undefined,
): readonly string[] | undefined {
  return scopes === undefined && requested === undefined
    ? undefined
    : unionScopes(scopes ?? [], stepUp, requested ?? []);
}

/**
 * Checks the scopes that a peer has granted, and returns those that contain no secret of the request. Scopes are compared as strings:
 * no scope includes another. With `excessScopes: 'refuse'` it throws `excess_scope` for a scope beyond the ceiling, else it emits a
 * warning.
 */
export function grantedScopes(
  runtime: Runtime,
  granted: readonly string[],
  context: {
    readonly server: ServerSettings;
    readonly requested: readonly string[] | undefined;
    readonly leg: 'exchange' | 'redeem';
    readonly issuer: string;
    readonly secrets: readonly string[];
  },
): readonly string[] {
  const { server, requested, leg, issuer, secrets } = context;
  const ceiling = scopeCeiling(server, requested);
  const excess = ceiling === undefined ? [] : scopesNotIn(granted, ceiling);
  if (excess.length > 0) {
    const peerText = cleanText(`scope="${excess.join(' ')}"`, { secrets });
    const who = leg === 'exchange' ? `The IdP ${issuer}` : `The authorization server ${issuer}`;
    const message = `${who} granted ${namedScopes(excess, [])} for server "${server.name}", more than servers.${server.name}.scopes and stepUp allow.`;
    const options = `add what peerText names to servers.${server.name}.scopes if the bot is meant to have it, or set servers.${server.name}.excessScopes: 'accept'`;
    if (server.excessScopes === 'refuse') {
      throw new CredenceError({
        code: 'excess_scope',
        leg,
        message: `${message} The token was not used.`,
        remedy: `Ask for this principal to be granted only the requested scopes; otherwise ${options}.`,
        contact: leg === 'exchange' ? 'idp-admin' : 'server-owner',
        server: server.name,
        issuer,
        peerText,
      });
    }
    const remedy = 'Ask for this principal to be granted only the requested scopes.';
    runtime.emit({ type: 'warning', leg, server: server.name, message, remedy });
  }
  const requestedByUs = new Set(ceiling);
  const others = granted.filter((scope) => !requestedByUs.has(scope));
  if (others.length === 0) return granted;
  const bounded = others.filter((scope) => scope.length <= MAX_SCOPE_LENGTH);
  const printable = new Set(withoutSecrets(bounded, secrets));
  return granted.filter((scope) => requestedByUs.has(scope) || printable.has(scope));
}
