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

/** A scope of Microsoft Entra that stands for all scopes of one resource that the client has, such as `api://app/.default`. */
const DEFAULT = /^(.*\/)\.default$/u;

/**
 * The scopes in `scopes` that are not in `others`, as strings. A `.default` in `others` stands for every scope that starts with the same
 * resource, and for scopes without a resource.
 */
export function scopesBeyond(scopes: readonly string[], others: readonly string[]): readonly string[] {
  const resources = resourcesOf(others);
  return scopesNotIn(scopes, others).filter((scope) => !isOfOneOf(scope, resources));
}

/**
 * The requested scopes that were not granted. A requested `.default` is granted if one scope of its resource, or one without a resource,
 * is granted.
 */
export function scopesMissing(requested: readonly string[], granted: readonly string[]): readonly string[] {
  return scopesNotIn(requested, granted).filter((scope) => {
    const resources = resourcesOf([scope]);
    return !granted.some((other) => isOfOneOf(other, resources));
  });
}

function resourcesOf(scopes: readonly string[]): readonly string[] {
  return scopes.flatMap((scope) => DEFAULT.exec(scope)?.[1] ?? []);
}

function isOfOneOf(scope: string, resources: readonly string[]): boolean {
  return resources.some((resource) => scope.startsWith(resource) || !scope.includes('/'));
}

/**
 * Checks the scopes that a peer has granted, and returns those that contain no secret of the request. Scopes are compared as strings,
 * except `.default`. With `excessScopes: 'refuse'` it throws `excess_scope` for a scope beyond the ceiling, else it emits a
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
  const excess = ceiling === undefined ? [] : scopesBeyond(granted, ceiling);
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
