import { checkDpopProofKey, DpopProofError } from '@credence/protocol';
import type Provider from 'oidc-provider';

/** What replaces a proof that must not reach the library. It is not a JWT, so oidc-provider refuses it at once. */
const UNUSABLE = 'unusable';

/**
 * Makes an oidc-provider refuse DPoP proofs whose key must not reach a library: one that is not a public key, or whose
 * signatures take long to verify, such as an RSA key of 16384 bits. oidc-provider itself has no limit. The proof is replaced
 * in the request, so that each grant refuses it with its own error and its own audit record.
 */
export function replaceUnusableProofs(provider: Provider): void {
  provider.use(async ({ req }, next) => {
    const { dpop } = req.headers;
    if (typeof dpop === 'string' && !isUsable(dpop)) req.headers['dpop'] = UNUSABLE;
    await next();
  });
}

function isUsable(proof: string): boolean {
  try {
    checkDpopProofKey(proof);
    return true;
  } catch (error) {
    if (error instanceof DpopProofError) return false;
    throw error;
  }
}
