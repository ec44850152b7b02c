import type { SubjectTokenSource } from '@credence/core';
import { noIdJag } from './errors.ts';

/**
 * The subject of a principal that acts only for users (`onBehalfOf`). The vendor documents no ID-JAG for the principal itself and no
 * `actor_token`, so a request without a user throws the same error as `idp()` would, and so does one for a user that needs an actor token.
 */
export function usersOnly(vendor: string, type: string, instead: string): SubjectTokenSource {
  return {
    kind: 'usersOnly',
    type,
    identity: vendor,
    get: async () => {
      throw noIdJag(
        vendor,
        `For a user, call onBehalfOf(getToken, { actor: 'client' }): no actor_token is documented. Otherwise: ${instead}`,
      );
    },
  };
}
