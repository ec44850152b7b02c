import { CredenceError } from '@credence/core';
import { cleanText } from '@credence/protocol';
import type Provider from 'oidc-provider';

/** Options of `sandbox.userToken`. */
export interface UserTokenOptions {
  /** The service principal to whose client the token is issued: an IdP exchanges an ID token only for its audience. */
  principal?: string;
  /** The lifetime in seconds. A negative number makes a token that has expired. Default 300. */
  lifetimeSeconds?: number;
}

/** Issues the ID token of a user to the client of a principal. */
export type UserTokenIssuer = (user: string, options?: UserTokenOptions) => Promise<string>;

/**
 * Returns a function that issues the ID token that the IdP issues when a user signs in to the application of a principal. The sandbox has no sign-in
 * page.
 */
export function userTokens(provider: Provider, users: readonly string[]): UserTokenIssuer {
  return async (user, { principal = 'reporting-bot', lifetimeSeconds = 300 } = {}) => {
    if (!users.includes(user)) throw unknown('user', user, users);
    const client = await provider.Client.find(principal);
    if (client === undefined) throw unknown('principal', principal, []);
    const token = new provider.IdToken({ sub: user }, { client });
    const now = Math.floor(Date.now() / 1000);
    token.set('sub', user);
    token.set('auth_time', now);
    return token.issue({ use: 'idtoken', expiresAt: now + lifetimeSeconds });
  };
}

function unknown(kind: string, name: string, known: readonly string[]): CredenceError {
  const others = known.length === 0 ? '' : ` There are: ${known.join(', ')}.`;
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `The sandbox has no ${kind} "${cleanText(name, { max: 60 })}".${others}`,
    remedy: `Use the name of a ${kind} of the sandbox.`,
    contact: 'you',
  });
}
