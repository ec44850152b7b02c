import { ERROR_CODES } from '../errors/codes.ts';
import { CredenceError } from '../errors/credence-error.ts';
import type { AccessToken } from './access-token.ts';

/** The error for an MCP server that refuses a new token. */
export function tokenRefused(token: AccessToken): CredenceError {
  return new CredenceError({
    code: 'token_refused',
    leg: 'call',
    message: `Server "${token.server}" answers 401 to new tokens of ${token.issuer}.`,
    remedy: `Ask the owner of server "${token.server}" whether it accepts tokens of that issuer for the resource "${token.resource}", and whether the clocks agree.`,
    contact: 'server-owner',
    server: token.server,
    issuer: token.issuer,
    status: 401,
  });
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

/** The error for a token without a scope that the caller requested explicitly. */
export function notGranted({ server, issuer, missingScopes: missing }: AccessToken): CredenceError {
  const names = missing.map((scope) => `"${scope}"`).join(', ');
  return new CredenceError({
    code: 'scope_not_granted',
    leg: 'redeem',
    message: `${names} was requested explicitly and not granted for server "${server}".`,
    remedy: `Ask for ${names} to be granted to this principal at the IdP.`,
    contact: 'idp-admin',
    server,
    issuer,
    missingScopes: missing,
  });
}

/** The error for an acquisition that takes longer than `totalMs`. */
export function tooLong(server: string, totalMs: number): CredenceError {
  return new CredenceError({
    code: 'timeout',
    leg: 'redeem',
    message: `No token for server "${server}" was issued within ${totalMs} ms, including retries.`,
    remedy: 'Check in the leg events which peer is slow, or raise timeout.totalMs.',
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
