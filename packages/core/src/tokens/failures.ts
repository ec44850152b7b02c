import { scopesNotIn } from '@credence/protocol';
import { ERROR_CODES } from '../errors/codes.ts';
import { CredenceError } from '../errors/credence-error.ts';
import type { AccessToken } from './access-token.ts';

/** What an MCP server sent with a 401 or 403. The texts contain no secret. */
export interface ServerRefusal {
  /** Default 401. */
  readonly status?: number | undefined;
  readonly error?: string | undefined;
  readonly errorDescription?: string | undefined;
  readonly peerText?: string | undefined;
  /** Whether a part of the `WWW-Authenticate` header breaks its grammar. */
  readonly malformedChallenge?: boolean | undefined;
  /** The time in the Date header, in milliseconds since the epoch. */
  readonly serverTimeMs?: number | undefined;
  /** How far the server's clock is ahead of ours, in seconds, if the difference is known and more than ten seconds. */
  readonly clockSkewSeconds?: number | undefined;
}

/** A sentence for the remedy if the challenge is malformed: other parts of it, such as a missing scope, may be lost. */
export function challengeRemedy({ malformedChallenge }: ServerRefusal): string {
  return malformedChallenge
    ? ' Its WWW-Authenticate header cannot be read completely; ask for it to be corrected (RFC 9110 section 11.6.1).'
    : '';
}

/** The error for an MCP server that refuses a new token. */
export function tokenRefused(token: AccessToken, said: ServerRefusal = {}): CredenceError {
  const { status = 401, error, errorDescription, peerText } = said;
  return new CredenceError({
    code: 'token_refused',
    leg: 'call',
    message: `Server "${token.server}" answers ${status} to new tokens of ${token.issuer}.`,
    remedy: `${clockRemedy(token, said) ?? `Ask the owner of server "${token.server}" whether it accepts tokens of that issuer for the resource "${token.resource}", and whether the clocks agree.`}${challengeRemedy(said)}`,
    contact: 'server-owner',
    server: token.server,
    issuer: token.issuer,
    status,
    error,
    errorDescription,
    peerText,
  });
}

/** A difference between the clocks is the most probable cause, so the remedy starts with it. */
function clockRemedy({ server, resource }: AccessToken, { clockSkewSeconds: skew }: ServerRefusal): string | undefined {
  if (skew === undefined) return undefined;
  return `The clock of server "${server}" is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} ours, so a new token can look ${skew > 0 ? 'expired' : 'not valid yet'}: correct the clock that is wrong first. If both are right, ask the owner whether the server accepts tokens of that issuer for the resource "${resource}".`;
}

/** The error for a bearer token that is sent to an MCP server which accepts only DPoP-bound tokens. */
export function keyRequired(token: AccessToken): CredenceError {
  return new CredenceError({
    code: 'token_refused',
    leg: 'call',
    message: `Server "${token.server}" accepts only tokens that are bound to a key (DPoP).`,
    remedy: `Set servers.${token.server}.dpop to a pair of generateDpopKeyPair().`,
    contact: 'you',
    server: token.server,
    issuer: token.issuer,
    status: 401,
  });
}

/** The error for every method of a principal that was closed. */
export function closed(): CredenceError {
  return new CredenceError({
    code: 'closed',
    leg: 'configure',
    message: 'The service principal was closed.',
    remedy: ERROR_CODES.closed.remedy,
    contact: 'you',
  });
}

/**
 * The error for a token without a scope that the caller requested explicitly. It names the peer that did not grant the scope: the IdP
 * if the ID-JAG does not contain it, else the authorization server.
 */
export function notGranted(
  { server, issuer, missingScopes: missing, withheldScopes }: AccessToken,
  { omitsScope = false }: { readonly omitsScope?: boolean | undefined } = {},
): CredenceError {
  const list = (scopes: readonly string[]) => scopes.map((scope) => `"${scope}"`).join(', ');
  const atIdp = scopesNotIn(missing, withheldScopes);
  const base = { code: 'scope_not_granted', server, issuer, missingScopes: missing } as const;
  const atServer = `The authorization server ${issuer} did not grant ${list(withheldScopes)} for server "${server}", which was requested explicitly.`;
  const askOwner = omitsScope
    ? withoutRedeemScope(server)
    : `Ask the owner of server "${server}" for ${list(withheldScopes)} to be granted to this client at ${issuer}.`;
  if (atIdp.length === 0) {
    return new CredenceError({
      ...base,
      leg: 'redeem',
      message: atServer,
      remedy: askOwner,
      contact: omitsScope ? 'you' : 'server-owner',
    });
  }
  const also = withheldScopes.length > 0;
  return new CredenceError({
    ...base,
    leg: 'exchange',
    message: `The IdP did not grant ${list(atIdp)} for server "${server}", which was requested explicitly.${also ? ` ${atServer}` : ''}`,
    remedy: `Ask for ${list(atIdp)} to be granted to this principal at the IdP.${also ? ` ${askOwner}` : ''}`,
    contact: 'idp-admin',
  });
}

/** The remedy if an authorization server grants only requested scopes, and an option leaves them out. */
export function withoutRedeemScope(server: string): string {
  return `Remove servers.${server}.redeemScope: 'omit': the request for the token had no scope, and this authorization server grants only requested scopes.`;
}

/** The error for an acquisition that takes longer than `totalMs`. */
export function tooLong(server: string, totalMs: number): CredenceError {
  return new CredenceError({
    code: 'timeout',
    leg: 'redeem',
    message: `No token for server "${server}" was issued within ${totalMs} ms, including retries.`,
    remedy:
      'Run diagnose(), whose report shows how long each request takes, and ask the operator of the slow peer; or raise timeout.totalMs.',
    contact: 'you',
    server,
    retryable: true,
  });
}

/** The error for an acquisition that threw another error than a CredenceError. */
export function unexpected(server: string, cause: unknown): CredenceError {
  return new CredenceError({
    code: 'invalid_response',
    leg: 'redeem',
    message: `Getting a token for server "${server}" failed with an unexpected error.`,
    remedy: 'Run diagnose() for this server; if its report does not show the cause, report a bug in Credence.',
    contact: 'you',
    server,
    cause,
  });
}
