import type Provider from 'oidc-provider';
import { invalidConfiguration } from '../invalid-configuration.ts';
import type { UserTokenOptions } from './options.ts';

/** Issues the ID token of a user to the client of a principal. */
export type UserTokenIssuer = (user: string, options?: UserTokenOptions) => Promise<string>;

/**
 * Returns a function that issues the ID token that the IdP issues when a user signs in to the application of a principal. The sandbox has no sign-in
 * page. `clientIds`: the client at the IdP of each principal.
 */
export function userTokens(
  provider: Provider,
  users: readonly string[],
  clientIds: ReadonlyMap<string, string>,
): UserTokenIssuer {
  return async (user, { principal = [...clientIds.keys()][0] ?? '', lifetimeSeconds = 300 } = {}) => {
    if (!users.includes(user)) throw unknown('user', user, users);
    const client = await provider.Client.find(clientIds.get(principal) ?? '');
    if (client === undefined) throw unknown('principal', principal, [...clientIds.keys()]);
    const token = new provider.IdToken({ sub: user }, { client });
    const now = Math.floor(Date.now() / 1000);
    token.set('sub', user);
    token.set('auth_time', now);
    return token.issue({ use: 'idtoken', expiresAt: now + lifetimeSeconds });
  };
}

function unknown(kind: string, name: string, known: readonly string[]) {
  return invalidConfiguration(
    `The sandbox has no ${kind} ${JSON.stringify(name)}.`,
    known.length === 0 ? `Set the option ${kind}s of startSandbox.` : `The ${kind}s are: ${known.join(', ')}.`,
  );
}
