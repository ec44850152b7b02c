import type { SubjectTokenSource } from '@credence/core';
import { noIdJag } from './errors.ts';

/**
 * The subject of a principal that acts only for users (`onBehalfOf`). The vendor documents no ID-JAG for the principal itself, so a
 * request without a user throws the same error as `idp()` would.
 */
export function usersOnly(vendor: string, type: string, instead: string): SubjectTokenSource {
  return {
    kind: 'usersOnly',
    type,
    identity: vendor,
    get: async () => {
      throw noIdJag(vendor, instead);
    },
  };
}
