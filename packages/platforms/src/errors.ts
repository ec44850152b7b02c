import { CredenceError } from '@credence/core';

/** No token can be had from the platform. `message` says what happened, and contains nothing of a token. */
export function tokenUnavailable(
  platform: string,
  message: string,
  remedy: string,
  details: { readonly status?: number; readonly causeCode?: string | undefined } = {},
): CredenceError {
  return new CredenceError({
    code: 'credential_unavailable',
    leg: 'configure',
    message: `No token from ${platform}: ${message}`,
    remedy,
    contact: 'you',
    ...details,
  });
}

/** The options or the environment variables of the platform are invalid or incomplete. */
export function incomplete(platform: string, message: string, remedy: string): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `The configuration of ${platform} is incomplete: ${message}`,
    remedy,
    contact: 'you',
  });
}
