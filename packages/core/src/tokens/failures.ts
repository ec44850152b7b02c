import { ERROR_CODES } from '../errors/codes.ts';
import { CredenceError } from '../errors/credence-error.ts';
import type { AccessToken } from './access-token.ts';

/** What is thrown where a server refuses one fresh token after another. */
export function tokenRefused(token: AccessToken): CredenceError {
  return new CredenceError({
    code: 'token_refused',
    leg: 'call',
    message: `Server "${token.server}" answers 401 to fresh tokens of ${token.issuer}.`,
    remedy: `Ask its owner whether it accepts tokens of that issuer for the resource "${token.resource}", and whether the clocks agree.`,
    contact: 'server-owner',
    server: token.server,
    issuer: token.issuer,
    status: 401,
  });
}

/** The server takes no bearer tokens, and this is one. */
export function keyRequired(token: AccessToken): CredenceError {
  return new CredenceError({
    code: 'token_refused',
    leg: 'call',
    message: `Server "${token.server}" takes only tokens that are bound to a key (DPoP).`,
    remedy: `Set servers.${token.server}.dpop to a pair of generateDpopKeyPair().`,
    contact: 'you',
    server: token.server,
    issuer: token.issuer,
    status: 401,
  });
}

/** The principal is no more. */
export function closed(): CredenceError {
  return new CredenceError({
    code: 'closed',
    leg: 'configure',
    message: 'The service principal was closed.',
    remedy: ERROR_CODES.closed.remedy,
    contact: 'you',
  });
}

/** A scope that the caller named is not there. */
export function notGranted({ server, issuer, missingScopes: missing }: AccessToken): CredenceError {
  const names = missing.map((scope) => `"${scope}"`).join(', ');
  return new CredenceError({
    code: 'scope_not_granted',
    leg: 'redeem',
    message: `${names} was asked for explicitly and not granted for server "${server}".`,
    remedy: `Ask for ${names} to be granted to this principal at the IdP.`,
    contact: 'idp-admin',
    server,
    issuer,
    missingScopes: missing,
  });
}

/** An acquisition ran out of time between its legs. */
export function tooLong(server: string, totalMs: number): CredenceError {
  return new CredenceError({
    code: 'timeout',
    leg: 'redeem',
    message: `No token for server "${server}" within ${totalMs} ms, retries included.`,
    remedy: 'Look at the leg events to see which peer is slow, or raise timeout.totalMs.',
    contact: 'you',
    server,
    retryable: true,
  });
}

/** Something that is no CredenceError came out of an acquisition. */
export function unexpected(server: string, cause: unknown): CredenceError {
  return new CredenceError({
    code: 'invalid_response',
    leg: 'redeem',
    message: `Getting a token for server "${server}" failed in a way that was not foreseen.`,
    remedy: 'Run diagnose() for it; if that does not tell, this is a fault to report.',
    contact: 'you',
    server,
    cause,
  });
}
